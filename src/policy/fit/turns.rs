//! A conversation as turns: what may be dropped on its own, and what only together.
//!
//! # Why units
//!
//! A tool's result without its call is refused by some upstreams and misread by others, and the
//! other way round. So a conversation is first taken apart into units that no call and no result
//! reaches out of: a user message, an answer, a call with all of its results. A turn is a unit with
//! a user message and the rounds (units without one) up to the next. Where a caller's own
//! conversation has a call without a result or the reverse, that stays as it is, inside a unit.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::openai::json::Object;
use crate::openai::{Message, Role};

/// Messages that stay or go together: from the first to before the next unit's first. Messages of
/// the system in between are not part of it.
pub(super) type Unit = Range<usize>;

/// A user message and what follows up to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The unit with the user message; `None` only where no message is a user's.
    pub(super) front: Option<Unit>,
    /// The answers and calls after it.
    pub(super) rounds: Vec<Unit>,
}

impl Turn {
    /// Where the turn stands; its units leave no gap.
    pub(super) fn span(&self) -> Unit {
        let last = self.rounds.last().or(self.front.as_ref());
        let first = self.front.as_ref().or(self.rounds.first());
        first.map_or(0, |unit| unit.start)..last.map_or(0, |unit| unit.end)
    }
}

/// A conversation, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turns {
    /// What stands before the first user message.
    pub(super) preamble: Vec<Unit>,
    /// The first turn, where it is not the newest too.
    pub(super) first: Option<Turn>,
    /// The turns between the first and the newest.
    pub(super) middle: Vec<Turn>,
    /// The newest turn.
    pub(super) newest: Turn,
}

/// Takes a conversation apart. From `ours_from` on, messages are not the caller's: together they are
/// the last round of the newest turn.
pub(super) fn turns(messages: &[Message<'_>], ours_from: Option<usize>) -> Turns {
    let callers = ours_from.and_then(|from| messages.get(..from));
    let mut turns = callers_turns(callers.unwrap_or(messages));
    if let Some(callers) = callers {
        turns.newest.rounds.push(callers.len()..messages.len());
    }
    turns
}

fn callers_turns(messages: &[Message<'_>]) -> Turns {
    let mut preamble = Vec::new();
    let mut turns: Vec<Turn> = Vec::new();
    for unit in units(messages) {
        let mut inside = messages.iter().take(unit.end).skip(unit.start);
        if inside.any(|message| message.role == Role::User) {
            turns.push(Turn {
                front: Some(unit),
                rounds: Vec::new(),
            });
        } else if let Some(turn) = turns.last_mut() {
            turn.rounds.push(unit);
        } else {
            preamble.push(unit);
        }
    }
    let Some(newest) = turns.pop() else {
        return Turns {
            preamble: Vec::new(),
            first: None,
            middle: Vec::new(),
            newest: Turn {
                front: None,
                rounds: preamble,
            },
        };
    };
    let mut turns = turns.into_iter();
    Turns {
        preamble,
        first: turns.next(),
        middle: turns.collect(),
        newest,
    }
}

fn units(messages: &[Message<'_>]) -> Vec<Unit> {
    let mut starts = starts(messages);
    starts.reverse();
    let ends = starts.iter().skip(1).copied().chain([messages.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(from, to)| from..to)
        .collect()
}

/// Where units start, last one first.
fn starts(messages: &[Message<'_>]) -> Vec<usize> {
    let first = messages
        .iter()
        .position(|message| !message.role.is_systems());
    let calls = calls_of_results(messages);
    let mut starts = Vec::new();
    // The earliest call of the results seen so far, which are those from here to the end.
    let mut reach = usize::MAX;
    for (at, (message, call)) in messages.iter().zip(calls).enumerate().rev() {
        reach = reach.min(call.unwrap_or(usize::MAX));
        let opens = matches!(message.role, Role::Assistant | Role::User) && reach >= at;
        if opens || first == Some(at) {
            starts.push(at);
        }
    }
    starts
}

/// For each message, where the call stands that it is the result of.
fn calls_of_results(messages: &[Message<'_>]) -> Vec<Option<usize>> {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        let result = match message.role {
            Role::Tool => message.fields.text("tool_call_id"),
            Role::Function => message.fields.text("name"),
            Role::Assistant => {
                for id in call_ids(message) {
                    calls.insert(id, at);
                }
                None
            }
            Role::Developer | Role::System | Role::User => None,
        };
        found.push(result.and_then(|id| calls.get(id.as_ref()).copied()));
    }
    found
}

fn call_ids(message: &Message<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    if let Some(list) = message.fields.raw("tool_calls")
        && let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(list.get())
    {
        let calls = list
            .into_iter()
            .filter_map(|call| Object::parse(call.get()).ok());
        ids.extend(calls.filter_map(|call| Some(call.text("id")?.into_owned())));
    }
    if let Some(call) = message.fields.object("function_call") {
        ids.extend(call.text("name").map(std::borrow::Cow::into_owned));
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;
    use serde_json::json;

    /// Takes `script` apart: `s`, `u` and `a` are messages, `c1` is a call, `r1` its result.
    fn parted(script: &str) -> Turns {
        let messages: Vec<String> = script.split_whitespace().map(message).collect();
        let body = format!(r#"{{"model":"m","messages":[{}]}}"#, messages.join(","));
        turns(&ChatRequest::parse(&body).unwrap().messages, None)
    }

    fn message(word: &str) -> String {
        let (kind, id) = word.split_at(1);
        let message = match kind {
            "s" => json!({"role": "system", "content": "s"}),
            "u" => json!({"role": "user", "content": "u"}),
            "c" => json!({
                "role": "assistant",
                "tool_calls": [{"id": id, "function": {}}, {"id": format!("{id}b")}],
            }),
            "r" => json!({"role": "tool", "tool_call_id": id, "content": "r"}),
            "f" => json!({"role": "assistant", "function_call": {"name": "f"}}),
            "g" => json!({"role": "function", "name": "f", "content": "g"}),
            _ => json!({"role": "assistant", "content": "a"}),
        };
        message.to_string()
    }

    /// A turn by the places of its units' starts and its end.
    fn turn(edges: &[usize]) -> Turn {
        let mut units = spans(edges);
        Turn {
            front: Some(units.remove(0)),
            rounds: units,
        }
    }

    fn spans(edges: &[usize]) -> Vec<Unit> {
        edges.windows(2).map(|pair| pair[0]..pair[1]).collect()
    }

    #[test]
    fn a_conversation_is_first_middle_and_newest_turns() {
        let turns = parted("s u a u a s u a u");
        assert!(turns.preamble.is_empty());
        assert_eq!(turns.first, Some(turn(&[1, 2, 3])));
        assert_eq!(turns.middle, [turn(&[3, 4, 6]), turn(&[6, 7, 8])]);
        assert_eq!(turns.newest, turn(&[8, 9]));
    }

    #[test]
    fn a_call_and_its_results_are_one_round() {
        let turns = parted("u c1 r1 r1b a c2 r2");
        assert_eq!(turns.first, None);
        assert_eq!(turns.newest, turn(&[0, 1, 4, 5, 7]));
        assert_eq!(parted("u f g a").newest, turn(&[0, 1, 3, 4]));
    }

    #[test]
    fn what_is_called_across_a_user_message_stays_with_it() {
        let turns = parted("u a u c1 u r1 a");
        assert_eq!(turns.newest, turn(&[3, 6, 7]));
        assert_eq!(turns.middle, [turn(&[2, 3])]);
    }

    #[test]
    fn ids_used_again_belong_to_the_latest_call() {
        let turns = parted("u c1 r1 c1 r1 c1 r1");
        assert_eq!(turns.newest.rounds, spans(&[1, 3, 5, 7]));
    }

    #[test]
    fn calls_without_results_and_results_without_calls_stay_where_they_are() {
        let turns = parted("u c1 c2 r9 u r8 a");
        assert_eq!(turns.first, Some(turn(&[0, 1, 2, 4])));
        assert_eq!(turns.newest, turn(&[4, 6, 7]));
    }

    #[test]
    fn what_stands_before_the_first_user_message_is_a_preamble() {
        let turns = parted("s r7 a c1 r1 u");
        assert_eq!(turns.preamble, spans(&[1, 2, 3, 5]));
        assert_eq!(turns.newest, turn(&[5, 6]));
    }

    #[test]
    fn what_is_added_to_go_on_with_an_answer_is_the_newest_round() {
        let body = ["u", "a", "u", "a", "u"].map(message).join(",");
        let body = format!(r#"{{"model":"m","messages":[{body}]}}"#);
        let messages = ChatRequest::parse(&body).unwrap().messages;
        let turns = turns(&messages, Some(3));
        assert_eq!(turns.first, Some(turn(&[0, 1, 2])));
        assert_eq!(turns.newest, turn(&[2, 3, 5]));
    }

    #[test]
    fn without_a_user_message_all_is_rounds() {
        let turns = parted("s a c1 r1");
        assert_eq!(turns.newest.front, None);
        assert_eq!(turns.newest.rounds, spans(&[1, 2, 4]));
        assert!(parted("s").newest.rounds.is_empty());
    }
}
