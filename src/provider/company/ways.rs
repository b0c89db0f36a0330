//! The ways in which companies differ: the words that rows are made of.

/// Which request fields a company takes.
#[derive(Clone, Copy, Debug)]
pub enum Fields {
    /// Those of this list.
    Only(&'static [&'static str]),
    /// Any: it ignores or documents as extensible what others call unknown.
    Any,
}

/// A value in a company's own words.
#[derive(Clone, Copy, Debug)]
pub struct Reworded {
    /// The field.
    pub field: &'static str,
    /// OpenAI's word.
    pub from: &'static str,
    /// The company's.
    pub to: &'static str,
}

/// Which kinds (`type`) of parts or tools a company takes.
#[derive(Clone, Copy, Debug)]
pub enum Kinds {
    /// Those of this list, each with the member of its own name and no other.
    Only(&'static [&'static str]),
    /// Any but those of this list, as they are written.
    But(&'static [&'static str]),
    /// Any, as they are written.
    Any,
}

impl Kinds {
    /// Whether this kind is taken.
    pub fn take(self, kind: &str) -> bool {
        match self {
            Self::Only(list) => list.contains(&kind),
            Self::But(list) => !list.contains(&kind),
            Self::Any => true,
        }
    }
}

/// Which tool the `name` of a tool's result tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultName {
    /// What the caller wrote, where the company takes names in messages.
    Callers,
    /// That of the call, always: the company finds the tool by it.
    Calls,
    /// None: the company does not take a name there.
    Untold,
}

/// How sound (`input_audio`) is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// As OpenAI's object of `data` and `format`.
    Object,
    /// As the base64 text alone.
    Text,
}

/// Whether Anthropic's `cache_control` is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheControl {
    /// It is left out.
    Left,
    /// It is sent.
    Sent,
}

/// How schemas are written: those of tools' arguments, and those of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schemas {
    /// As the caller wrote it.
    AsWritten,
    /// Without `$id` and `$schema`, and those of arguments without `strict` and
    /// `additionalProperties: false`. Where a tool has none, this one; a company that has to be told one
    /// does not take a format of the answer without a schema.
    Bare(Option<&'static str>),
}

/// What signs the calls of an assistant's message.
#[derive(Clone, Copy, Debug)]
pub enum Signatures {
    /// Google's thought signature: the first call of each message has one, at models whose names do
    /// not begin with one of these.
    Google(&'static [&'static str]),
    /// Nothing.
    None,
}

/// What happens at a company whose model refuses tools while it thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingTools {
    /// It sees to that itself.
    Its,
    /// The model has to be told not to think, or cannot be offered tools.
    Ours,
}

/// How a company is told that the last message is the beginning of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefill {
    /// By that message's `prefix: true`, without which it refuses the conversation.
    Prefix,
    /// It takes it so, or cannot.
    Silent,
    /// By fields for the model's template.
    Template,
}

/// Who has to speak first, the system aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Anybody.
    Anybody,
    /// The user.
    User,
}

/// Who may speak last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Anybody.
    Anybody,
    /// Anybody but the system.
    NotSystem,
}

/// What becomes of an assistant's message that says and calls nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wordless {
    /// It is left out.
    Left,
    /// It is sent.
    Sent,
}

/// How `stop` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As a list.
    List,
    /// As a text or a list.
    Either,
}

/// What has to be put right in a company's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Calls without an id or, in a stream, an index; arguments that are an object.
    Calls,
    /// A content that is a list of texts, thoughts and references.
    Contents,
    /// A choice without a message, where all that it would say is withheld.
    Messages,
    /// `stop` for the end of an answer that calls tools.
    Stops,
    /// A `service_tier` in a word that OpenAI does not have.
    Tiers,
}

/// What becomes of the `developer` role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Developer {
    /// It stays.
    Kept,
    /// It becomes `system`.
    System,
}

/// Whether `stream_options` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamOptions {
    /// It is, so that a stream ends with its usage.
    Sent,
    /// It is not; the company refuses it or tells usage anyway.
    Left,
}
