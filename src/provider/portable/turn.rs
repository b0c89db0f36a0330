//! A conversation's messages with their tool calls read, each result beside the call that it answers.
//!
//! # Why results are put in order
//!
//! OpenAI takes the results of one turn in any order; others want them as the calls stand. And some models
//! number their calls anew each turn, where others want an id once in a conversation: so a result belongs
//! to the nearest call before it that has its id and no result yet.

use std::borrow::Cow;

use crate::openai::{Message, Role};
use crate::provider::Unsupported;
use crate::provider::portable::call::{self, Call, Callee};
use crate::provider::portable::id::IdRule;
use crate::provider::portable::name::NameRule;

/// A message, by the rules of whom it is sent to.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// The message as the caller wrote it; ids and names in it are the caller's.
    pub message: &'a Message<'a>,
    /// Its calls, where it has any, with ids and names by the rules.
    pub calls: Vec<Call<'a>>,
    /// The call that it is the result of, where it is one.
    pub answers: Option<Answers<'a>>,
}

/// Which call a result is for.
#[derive(Clone, Debug)]
pub struct Answers<'a> {
    /// The call's id by the rules.
    pub id: Cow<'a, str>,
    /// The tool's name by the rules, where the call is known.
    pub name: Option<Cow<'a, str>>,
}

/// A call that a result may come for.
struct Waiting<'a> {
    callers: Cow<'a, str>,
    sent: Cow<'a, str>,
    name: Cow<'a, str>,
    answered: Answered,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    No,
    Yes,
}

/// Reads a conversation by a company's rules; without a rule for names, any will do.
///
/// # Errors
///
/// [`Unsupported`] for what is no call.
pub fn turns<'a, 'r>(
    messages: &'a [Message<'a>],
    ids: &IdRule,
    names: impl Into<Option<&'r NameRule>>,
) -> Result<Vec<Turn<'a>>, Unsupported> {
    let names = names.into();
    let mut turns: Vec<Turn<'a>> = Vec::with_capacity(messages.len());
    let mut waiting: Vec<Waiting<'a>> = Vec::new();
    let mut results: Vec<(usize, Turn<'a>)> = Vec::new();
    for message in messages {
        if message.role == Role::Tool {
            let (at, answers) = answered(message, &mut waiting, ids);
            results.push((
                at,
                Turn {
                    message,
                    calls: Vec::new(),
                    answers: Some(answers),
                },
            ));
            continue;
        }
        settle(&mut turns, &mut results);
        turns.push(Turn {
            message,
            calls: called(message, &mut waiting, ids, names)?,
            answers: None,
        });
    }
    settle(&mut turns, &mut results);
    Ok(turns)
}

/// Puts the results of one turn in the order of their calls.
fn settle<'a>(turns: &mut Vec<Turn<'a>>, results: &mut Vec<(usize, Turn<'a>)>) {
    results.sort_by_key(|(at, _)| *at);
    turns.extend(results.drain(..).map(|(_, turn)| turn));
}

fn called<'a>(
    message: &Message<'a>,
    waiting: &mut Vec<Waiting<'a>>,
    ids: &IdRule,
    names: Option<&NameRule>,
) -> Result<Vec<Call<'a>>, Unsupported> {
    if message.role != Role::Assistant {
        return Ok(Vec::new());
    }
    let mut calls = call::calls(message)?;
    for call in &mut calls {
        let before = waiting.iter().filter(|one| one.callers == call.id).count();
        let sent = ids.fit(&call.id, before);
        if call.callee == Callee::Function
            && let Some(Cow::Owned(name)) = names.map(|names| names.fit(&call.name))
        {
            call.name = Cow::Owned(name);
        }
        waiting.push(Waiting {
            callers: std::mem::replace(&mut call.id, sent.clone()),
            sent,
            name: call.name.clone(),
            answered: Answered::No,
        });
    }
    Ok(calls)
}

/// Which call a result is for, and that call's place in the conversation.
fn answered<'a>(
    message: &Message<'a>,
    waiting: &mut [Waiting<'a>],
    ids: &IdRule,
) -> (usize, Answers<'a>) {
    let id = message.fields.text("tool_call_id").unwrap_or_default();
    let last = |answered: Answered| {
        let fits = |one: &Waiting<'_>| one.callers == id && one.answered == answered;
        waiting.iter().rposition(fits)
    };
    // Two calls of one turn with one id: the first result is the first one's.
    let first_of_turn = last(Answered::No).map(|at| {
        let same = |one: &&Waiting<'_>| one.callers == id && one.answered == Answered::No;
        let run = waiting.iter().take(at + 1).rev().take_while(same).count();
        (at + 1).saturating_sub(run)
    });
    let found = first_of_turn.or_else(|| last(Answered::Yes));
    let Some((at, call)) = found.and_then(|at| Some((at, waiting.get_mut(at)?))) else {
        let (id, name) = (ids.fit(&id, 0), None);
        return (usize::MAX, Answers { id, name });
    };
    call.answered = Answered::Yes;
    let (id, name) = (call.sent.clone(), Some(call.name.clone()));
    (at, Answers { id, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;
    use crate::provider::portable::id::Alphabet;
    use crate::provider::portable::name::First;

    const NAMES: NameRule = NameRule {
        longest: 64,
        first: First::Any,
    };

    fn sent(messages: &str) -> String {
        let ids = IdRule {
            alphabet: Alphabet::Words,
            shortest: 1,
            longest: 40,
        };
        let body = format!(r#"{{"model":"m","messages":{messages}}}"#);
        let request = ChatRequest::parse(&body).unwrap();
        let turns = turns(&request.messages, &ids, &NAMES).unwrap();
        let told = turns.iter().map(|turn| {
            if let Some(answers) = &turn.answers {
                return format!("={}", answers.id);
            }
            let ids: Vec<_> = turn.calls.iter().map(|call| call.id.as_ref()).collect();
            format!("{}{}", turn.message.role.as_str(), ids.join("+"))
        });
        told.collect::<Vec<_>>().join(" ")
    }

    fn calls(ids: &[&str]) -> String {
        let call = |id: &&str| {
            format!(r#"{{"id":"{id}","type":"function","function":{{"name":"f","arguments":""}}}}"#)
        };
        let calls: Vec<_> = ids.iter().map(call).collect();
        format!(
            r#"{{"role":"assistant","tool_calls":[{}]}}"#,
            calls.join(",")
        )
    }

    fn result(id: &str) -> String {
        format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"r"}}"#)
    }

    #[test]
    fn results_stand_in_the_order_of_their_calls() {
        let messages = [calls(&["a", "b"]), result("b"), result("a"), result("x")].join(",");
        assert_eq!(sent(&format!("[{messages}]")), "assistanta+b =a =b =x");
    }

    #[test]
    fn an_id_that_comes_again_stands_for_another_call() {
        let messages = [calls(&["a"]), result("a"), calls(&["a"]), result("a")].join(",");
        let sent = sent(&format!("[{messages}]"));
        let words: Vec<_> = sent.split(' ').collect();
        assert_eq!(words[..2], ["assistanta", "=a"]);
        let second = words[2].strip_prefix("assistant").unwrap();
        assert_ne!(second, "a");
        assert_eq!(words[3], format!("={second}"));
    }

    #[test]
    fn two_calls_of_one_turn_with_one_id_get_a_result_each() {
        let messages = [calls(&["a", "a"]), result("a"), result("a")].join(",");
        let sent = sent(&format!("[{messages}]"));
        let words: Vec<_> = sent.split(' ').collect();
        let (first, second) = words[0]
            .strip_prefix("assistant")
            .unwrap()
            .split_once('+')
            .unwrap();
        assert_ne!(first, second);
        assert_eq!(words[1..], [format!("={first}"), format!("={second}")]);
    }
}
