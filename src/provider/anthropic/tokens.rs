//! What an answer used, as Anthropic counts it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::openai::Usage;

/// Tokens as Anthropic counts them, each where it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_written: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

#[derive(Default, Deserialize)]
struct RawTokens<'a> {
    #[serde(borrow, default)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_read_input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_creation_input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_tokens_details: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct OutputDetails<'a> {
    #[serde(borrow, default)]
    thinking_tokens: Option<&'a RawValue>,
}

impl Tokens {
    /// Reads a `usage` object.
    ///
    /// An odd count spoils what is known of an answer, never the answer: so it is read as one that
    /// nobody believes.
    pub(super) fn parse(usage: Option<&RawValue>) -> Self {
        let count = |raw: Option<&RawValue>| {
            raw.filter(|raw| raw.get() != "null")
                .map(|raw| raw.get().parse().unwrap_or(u64::MAX))
        };
        let it: RawTokens<'_> = usage
            .and_then(|usage| serde_json::from_str(usage.get()).ok())
            .unwrap_or_default();
        let details = it.output_tokens_details.map(RawValue::get);
        let details: OutputDetails<'_> = details
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default();
        Self {
            input: count(it.input_tokens),
            cache_read: count(it.cache_read_input_tokens),
            cache_written: count(it.cache_creation_input_tokens),
            output: count(it.output_tokens),
            thinking: count(details.thinking_tokens),
        }
    }

    /// Takes later counts, which are of the whole answer so far and need not be all of them.
    pub(super) fn update(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.cache_read = later.cache_read.or(self.cache_read);
        self.cache_written = later.cache_written.or(self.cache_written);
        self.output = later.output.or(self.output);
        self.thinking = later.thinking.or(self.thinking);
    }

    /// The same in OpenAI's way, where what is read counts all of it; Anthropic's counts of the cache
    /// are beside that of the rest.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (input, output) = match (self.input, self.output) {
            (None, None) => return None,
            (input, output) => (input.unwrap_or(0), output.unwrap_or(0)),
        };
        let cached_tokens = self.cache_read.unwrap_or(0);
        let cache_write_tokens = self.cache_written.unwrap_or(0);
        let usage = Usage {
            prompt_tokens: input
                .saturating_add(cached_tokens)
                .saturating_add(cache_write_tokens),
            completion_tokens: output,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens: self.thinking.unwrap_or(0),
        };
        usage.credible()
    }
}
