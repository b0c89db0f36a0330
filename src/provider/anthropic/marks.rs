//! The marks of a prompt's cache (`cache_control`), of which Anthropic takes four in a request.
//!
//! Each stands for all that comes before it, so of more than four the last ones stay
//! (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>).

use serde_json::value::RawValue;

use crate::provider::UpstreamRequest;
use crate::provider::anthropic::conversation::Conversation;
use crate::provider::anthropic::tools::Tools;

/// How many there may be.
pub(super) const MOST: usize = 4;

/// Leaves out the first marks where there are more than `most`, and names them.
pub(super) fn keep_last<'a>(
    tools: &mut Tools<'a>,
    conversation: &mut Conversation<'a>,
    most: usize,
    sent: &mut UpstreamRequest,
) {
    type Mark<'m, 'a> = (&'static str, &'m mut Option<&'a RawValue>);

    let of_tools = tools.offered.iter_mut().map(|tool| &mut tool.cache_control);
    let turns = conversation.turns.iter_mut();
    let said = conversation.system.iter_mut();
    let said = said.chain(turns.flat_map(|turn| turn.blocks.iter_mut()));
    // In the order in which the prompt is made of them.
    let all = of_tools.map(|mark| ("tools.cache_control", mark));
    let all =
        all.chain(said.map(|block| ("messages.content.cache_control", &mut block.cache_control)));
    let mut marks: Vec<Mark<'_, 'a>> = all.filter(|(_, mark)| mark.is_some()).collect();
    let above = marks.len().saturating_sub(most);
    for (path, mark) in marks.iter_mut().take(above) {
        **mark = None;
        sent.drop(path);
    }
}
