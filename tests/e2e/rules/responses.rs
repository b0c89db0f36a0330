//! The rules of OpenAI's Responses API.

use serde_json::Value;

use super::{Broken, Called, Step, arguments, is_made_of, list, text};

/// Looks at the form; tells the history.
pub(super) fn steps(body: &Value, broken: &mut Broken) -> Vec<Step> {
    broken.only("the body", body, BODY);
    broken.unless(body["store"] == false, || "nothing is stored".into());
    for tool in list(&body["tools"]) {
        let name = text(&tool["name"]);
        broken.unless(tool["type"] == "function", || {
            format!("a tool has a type: {tool}")
        });
        broken.unless(is_made_of(&name, 64, "_-"), || {
            format!("{name:?} is a tool's name")
        });
    }
    let mut steps: Vec<Step> = Vec::new();
    if body["input"].is_string() {
        steps.push(Step::User);
    }
    for item in list(&body["input"]) {
        match item["type"].as_str() {
            None | Some("message") => message(item, &mut steps, broken),
            Some("function_call") => call(item, &mut steps, broken),
            Some("function_call_output") => steps.push(Step::Outcome {
                id: Some(text(&item["call_id"])),
                content: item["output"].to_string(),
            }),
            // Whose it is, the secret tells; see `secrets`.
            Some("reasoning") => {
                let hidden = item["encrypted_content"].is_string();
                broken.unless(hidden, || {
                    format!("what is not stored is sent whole: {item}")
                });
            }
            Some(_) => broken.unless(false, || format!("an item, not {item}")),
        }
    }
    steps
}

const BODY: &[&str] = &[
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

fn message(item: &Value, steps: &mut Vec<Step>, broken: &mut Broken) {
    let said = match item["role"].as_str() {
        Some("system" | "developer") => return steps.push(Step::System),
        Some("user") => "input_",
        Some("assistant") => "output_text refusal",
        _ => return broken.unless(false, || format!("a role: {item}")),
    };
    for part in list(&item["content"]) {
        let kind = text(&part["type"]);
        let fits = kind.starts_with(said) || said.contains(&kind);
        broken.unless(fits, || format!("a part of such a message: {item}"));
    }
    if said == "input_" {
        steps.push(Step::User);
    } else {
        steps.push(Step::Answer(Vec::new()));
    }
}

/// A call is of the answer that it follows.
fn call(item: &Value, steps: &mut Vec<Step>, broken: &mut Broken) {
    let id = text(&item["call_id"]);
    broken.unless(!id.is_empty() && id.len() <= 64, || {
        format!("{id:?} is no id")
    });
    if let Some(own) = item.get("id") {
        broken.unless(text(own).starts_with("fc_"), || {
            format!("{own} is no item's id")
        });
    }
    let called = Called {
        id: Some(id),
        name: text(&item["name"]),
        arguments: arguments(&item["arguments"], broken),
    };
    match steps.last_mut() {
        Some(Step::Answer(calls)) => calls.push(called),
        _ => steps.push(Step::Answer(vec![called])),
    }
}
