//! Anthropic's rules for what a conversation is made of: turns, and the blocks in them.

use std::collections::BTreeSet;

use pilotlight::models::{Abilities, Ability};
use serde_json::Value;

use crate::lawful::rules::{Broken, is_word, keys, list, rule, text};

/// Whether instructions, where there are any, are text that says something.
pub(super) fn system(system: &Value, broken: &mut Broken) {
    match system {
        Value::Null => {}
        Value::String(words) => says_something("system", words, broken),
        Value::Array(blocks) => {
            rule(
                !blocks.is_empty(),
                || "system: no blocks".to_owned(),
                broken,
            );
            for one in blocks {
                rule(one["type"] == "text", || format!("system: {one}"), broken);
                block("system", "user", one, broken);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            broken.push(format!("system: {system}"));
        }
    }
}

/// Whether turns follow each other as they may, and are made of what they may.
pub(super) fn messages(messages: &[Value], abilities: Abilities, broken: &mut Broken) {
    rule(!messages.is_empty(), || "messages: none".to_owned(), broken);
    for (at, message) in messages.iter().enumerate() {
        let role = text(&message["role"]);
        let next = messages.get(at + 1);
        let before = at.checked_sub(1).map(|at| text(&messages[at]["role"]));
        let at = format!("messages[{at}]");
        keys(&at, message, &[], &["role", "content"], broken);
        match role {
            "assistant" | "user" => content(&at, role, &message["content"], broken),
            "system" => {
                let takes = !abilities.lacks(Ability::LateSystem);
                rule(takes, || format!("{at}: system is at the top only"), broken);
                rule(
                    before == Some("user"),
                    || format!("{at}: system after {before:?}"),
                    broken,
                );
                let goes_on = next.is_none_or(|next| next["role"] == "assistant");
                rule(goes_on, || format!("{at}: system before the user"), broken);
                system(&message["content"], broken);
            }
            other => broken.push(format!("{at}: role {other}")),
        }
    }
    answered(messages, broken);
    ending(messages, abilities, broken);
}

fn content(at: &str, role: &str, content: &Value, broken: &mut Broken) {
    match content {
        Value::String(words) => says_something(at, words, broken),
        Value::Array(blocks) => {
            rule(!blocks.is_empty(), || format!("{at}: no blocks"), broken);
            for one in blocks {
                block(at, role, one, broken);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            broken.push(format!("{at}: content is {content}"));
        }
    }
}

fn says_something(at: &str, words: &str, broken: &mut Broken) {
    rule(
        !words.trim().is_empty(),
        || format!("{at}: a text without a word"),
        broken,
    );
}

fn block(at: &str, role: &str, block: &Value, broken: &mut Broken) {
    let cache = ["cache_control"];
    let kind = text(&block["type"]);
    let whose = match kind {
        "text" => {
            keys(at, block, &cache, &["type", "text"], broken);
            says_something(at, text(&block["text"]), broken);
            role
        }
        "image" => {
            keys(at, block, &cache, &["type", "source"], broken);
            let kinds = ["image/jpeg", "image/png", "image/gif", "image/webp"];
            source(at, &block["source"], &kinds, broken);
            "user"
        }
        "document" => {
            let allowed = ["cache_control", "context", "title"];
            keys(at, block, &allowed, &["type", "source"], broken);
            source(at, &block["source"], &["application/pdf"], broken);
            "user"
        }
        "tool_result" => {
            let allowed = ["cache_control", "content", "is_error"];
            keys(at, block, &allowed, &["type", "tool_use_id"], broken);
            for inner in list(&block["content"]) {
                let known = matches!(text(&inner["type"]), "text" | "image" | "document");
                rule(known, || format!("{at}: a result with {inner}"), broken);
                self::block(at, "user", inner, broken);
            }
            "user"
        }
        "tool_use" => {
            keys(at, block, &cache, &["type", "id", "name", "input"], broken);
            for name in ["id", "name"] {
                let word = text(&block[name]);
                rule(
                    is_word(word, 128),
                    || format!("{at}: {name} {word}"),
                    broken,
                );
            }
            rule(
                block["input"].is_object(),
                || format!("{at}: input"),
                broken,
            );
            "assistant"
        }
        "thinking" => {
            keys(at, block, &[], &["type", "thinking", "signature"], broken);
            let signed = !text(&block["signature"]).is_empty();
            rule(
                signed,
                || format!("{at}: a thought that is not signed"),
                broken,
            );
            "assistant"
        }
        "redacted_thinking" => {
            keys(at, block, &[], &["type", "data"], broken);
            "assistant"
        }
        other => {
            broken.push(format!("{at}: a block of type {other}"));
            return;
        }
    };
    rule(
        role == whose,
        || format!("{at}: {kind} of the {role}"),
        broken,
    );
    cached(block, broken);
}

fn source(at: &str, source: &Value, kinds: &[&str], broken: &mut Broken) {
    match text(&source["type"]) {
        "base64" => {
            keys(at, source, &[], &["type", "media_type", "data"], broken);
            let media = text(&source["media_type"]);
            rule(kinds.contains(&media), || format!("{at}: {media}"), broken);
            let data = text(&source["data"]);
            let is_bare = !data.is_empty() && !data.contains(':');
            rule(is_bare, || format!("{at}: data {data}"), broken);
        }
        "url" => {
            keys(at, source, &[], &["type", "url"], broken);
            let url = text(&source["url"]);
            rule(
                url.starts_with("http"),
                || format!("{at}: url {url}"),
                broken,
            );
        }
        other => broken.push(format!("{at}: a source of type {other}")),
    }
}

/// Whether what is said of the cache, where it is, is said as it may.
pub(super) fn cached(block: &Value, broken: &mut Broken) {
    let Some(mark) = block.get("cache_control") else {
        return;
    };
    keys("cache_control", mark, &["ttl"], &["type"], broken);
    rule(
        mark["type"] == "ephemeral",
        || format!("cache_control: {mark}"),
        broken,
    );
    let known = mark.get("ttl").is_none_or(|ttl| ttl == "5m" || ttl == "1h");
    rule(known, || format!("cache_control: {mark}"), broken);
}

/// Whether the message after calls begins with their results, one each, and no id comes twice.
fn answered(messages: &[Value], broken: &mut Broken) {
    let mut seen = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        let blocks = list(&message["content"]);
        let of = |kind: &str, name: &str| -> Vec<String> {
            let those = blocks.iter().filter(|block| block["type"] == kind);
            those.map(|block| text(&block[name]).to_owned()).collect()
        };
        let results = of("tool_result", "tool_use_id");
        let first = blocks
            .iter()
            .take_while(|block| block["type"] == "tool_result")
            .count();
        rule(
            first == results.len(),
            || format!("messages[{at}]: a result after text"),
            broken,
        );
        let before = at
            .checked_sub(1)
            .map_or(&Value::Null, |at| &messages[at]["content"]);
        let calls = list(before)
            .iter()
            .filter(|block| block["type"] == "tool_use");
        let mut asked: Vec<&str> = calls.map(|call| text(&call["id"])).collect();
        let mut told: Vec<&str> = results.iter().map(String::as_str).collect();
        asked.sort_unstable();
        told.sort_unstable();
        rule(
            asked == told,
            || format!("messages[{at}]: {told:?} for {asked:?}"),
            broken,
        );
        for id in of("tool_use", "id") {
            rule(
                seen.insert(id.clone()),
                || format!("messages[{at}]: {id} twice"),
                broken,
            );
        }
    }
}

/// Whether the conversation ends as the model takes it.
fn ending(messages: &[Value], abilities: Abilities, broken: &mut Broken) {
    let Some(last) = messages.last().filter(|last| last["role"] == "assistant") else {
        return;
    };
    let takes = !abilities.lacks(Ability::Prefill);
    rule(
        takes,
        || "messages: the model does not go on with its own".to_owned(),
        broken,
    );
    let content = &last["content"];
    let words = content.as_str().unwrap_or_else(|| {
        let block = list(content).last().unwrap_or(&Value::Null);
        rule(
            block["type"] == "text",
            || format!("messages: ends with {block}"),
            broken,
        );
        text(&block["text"])
    });
    let is_trimmed = words.trim_end() == words;
    rule(
        is_trimmed,
        || "messages: a prefill that ends with a space".to_owned(),
        broken,
    );
}

/// Whether the turn that goes on after results of tools begins with a thought, as a model that is given
/// a budget demands.
pub(super) fn begins_with_thought(messages: &[Value], broken: &mut Broken) {
    let is_result = |block: &Value| block["type"] == "tool_result";
    let goes_on = messages
        .last()
        .is_some_and(|last| list(&last["content"]).iter().any(is_result));
    let turn = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "assistant");
    let Some(turn) = turn.filter(|_| goes_on) else {
        return;
    };
    let first = text(&turn["content"][0]["type"]);
    let thinks = matches!(first, "thinking" | "redacted_thinking");
    rule(
        thinks,
        || "messages: a turn goes on without its thought".to_owned(),
        broken,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(messages: &Value, abilities: Abilities) -> Broken {
        let mut broken = Broken::new();
        self::messages(list(messages), abilities, &mut broken);
        broken
    }

    #[test]
    fn a_conversation_is_made_of_what_it_may_be() {
        let user = |block: Value| json!([{"role": "user", "content": [block]}]);
        let image = |kind: &str, data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}});
        for good in [
            image("image/png", "AAAA"),
            json!({"type": "image", "source": {"type": "url", "url": "https://x"}}),
            json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        ] {
            assert_eq!(found(&user(good), Abilities::UNKNOWN), Broken::new());
        }
        for bad in [
            image("image/bmp", "AAAA"),
            image("image/png", "data:image/png;base64,AAAA"),
            json!({"type": "image", "source": {"type": "url", "url": "data:"}}),
            json!({"type": "document", "source": {"type": "base64", "media_type": "text/html", "data": "A"}}),
            json!({"type": "text", "text": ""}),
            json!({"type": "text", "text": " \n"}),
            json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "2h"}}),
            json!({"type": "tool_use", "id": "a", "name": "f", "input": {}}),
            json!({"type": "tool_result", "tool_use_id": "a"}),
            json!({"type": "thinking", "thinking": "x", "signature": "s"}),
            json!({"type": "input_audio"}),
        ] {
            assert!(
                !found(&user(bad.clone()), Abilities::UNKNOWN).is_empty(),
                "{bad}"
            );
        }
    }

    #[test]
    fn turns_follow_each_other_as_they_may() {
        let (user, model, system) = (
            json!({"role": "user", "content": "u"}),
            json!({"role": "assistant", "content": "a"}),
            json!({"role": "system", "content": "s"}),
        );
        let any = Abilities::UNKNOWN;
        let none = any.without(Ability::LateSystem).without(Ability::Prefill);
        let good = json!([user, system, model, user, user, system]);
        assert_eq!(found(&good, any), Broken::new());
        assert_eq!(found(&good, none).len(), 2);
        assert_eq!(found(&json!([user, model]), any), Broken::new());
        assert_eq!(found(&json!([user, model]), none).len(), 1);
        for bad in [
            json!([]),
            json!([system, user]),
            json!([user, system, user]),
            json!([user, system, system]),
            json!([user, model, system]),
            json!([user, {"role": "assistant", "content": "a "}]),
            json!([user, {"role": "assistant", "content": ""}, user]),
            json!([user, {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": ""}]}, user]),
        ] {
            assert!(!found(&bad, any).is_empty(), "{bad}");
        }
    }

    #[test]
    fn calls_are_answered_directly_once_and_first() {
        let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
        let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "r"});
        let words = json!({"type": "text", "text": "x"});
        let talk = |calls: Value, results: Value| json!([{"role": "assistant", "content": calls}, {"role": "user", "content": results}]);
        let any = Abilities::UNKNOWN;
        let good = talk(
            json!([call("a"), call("b")]),
            json!([result("b"), result("a"), words]),
        );
        assert_eq!(found(&good, any), Broken::new());
        for bad in [
            talk(json!([call("a")]), json!([words, result("a")])),
            talk(json!([call("a")]), json!([words])),
            talk(json!([call("a")]), json!([result("a"), result("a")])),
            talk(
                json!([call("a"), call("a")]),
                json!([result("a"), result("a")]),
            ),
            talk(json!([call("a:b")]), json!([result("a:b")])),
            talk(json!([words]), json!([result("a")])),
            json!([{"role": "assistant", "content": [call("a")]}]),
        ] {
            assert!(!found(&bad, any).is_empty(), "{bad}");
        }
        let mut broken = Broken::new();
        begins_with_thought(
            list(&talk(json!([call("a")]), json!([result("a")]))),
            &mut broken,
        );
        assert_eq!(broken.len(), 1);
    }
}
