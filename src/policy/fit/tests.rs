//! Each rule of fitting on a small conversation of its own.

use serde_json::{Value, json};

use super::*;
use crate::tokens;

/// A text of about so many tokens.
fn words(count: usize) -> String {
    "the ".repeat(count)
}

fn message(role: &str, content: impl Into<Value>) -> Value {
    let content: Value = content.into();
    json!({"role": role, "content": content})
}

/// A user message and its answer, of so many tokens each.
fn turn(name: &str, user: usize, answer: usize) -> [Value; 2] {
    let text = |count| format!("{name} {}", words(count));
    [
        message("user", text(user)),
        message("assistant", text(answer)),
    ]
}

/// A call and its result of so many tokens.
fn round(id: &str, result: usize) -> [Value; 2] {
    let call = json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    [
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": id, "content": words(result)}),
    ]
}

/// Fits `messages` into a prompt of `most` tokens; what is sent, each as its role and text, and what
/// is told of it.
fn fitted(messages: &[Value], most: u32) -> Option<(Vec<(String, String)>, Truncated)> {
    let body = json!({"model": "m", "messages": messages}).to_string();
    let request = ChatRequest::parse(&body).unwrap();
    let budget = budget(most);
    match fit(&request, &budget) {
        Fitted::Whole { .. } => panic!("nothing was cut"),
        Fitted::Cut {
            messages,
            counted,
            truncated,
        } => {
            assert!(counted.unwrap() <= most);
            let sent = messages.iter().map(|message| {
                let content = message.content.as_deref();
                let text = content.map_or_else(String::new, |content| {
                    let string = text::decode(content);
                    if string.is_empty() {
                        content.get().to_owned()
                    } else {
                        string.into_owned()
                    }
                });
                (message.role.as_str().to_owned(), text)
            });
            Some((sent.collect(), truncated))
        }
        Fitted::TooLong => None,
    }
}

/// A budget in which `most` is the limit.
fn budget(most: u32) -> Budget {
    let ratio = Ratio::default();
    let window = (most..=2 * most)
        .find(|window| ratio.counted(*window) >= most)
        .unwrap();
    Budget {
        window,
        room: 0,
        ratio,
        too_large: TooLarge::Probably,
    }
}

fn roles(sent: &[(String, String)]) -> Vec<&str> {
    sent.iter().map(|(role, _)| role.as_str()).collect()
}

fn is_too_long(messages: &[Value], most: u32) -> bool {
    fitted(messages, most).is_none()
}

#[test]
fn what_fits_by_its_bytes_is_not_counted() {
    let body = json!({"model": "m", "messages": [message("user", words(100))]}).to_string();
    let request = ChatRequest::parse(&body).unwrap();
    let whole = |most| match fit(&request, &budget(most)) {
        Fitted::Whole { counted } => Some(counted),
        Fitted::Cut { .. } | Fitted::TooLong => None,
    };
    assert_eq!(whole(1_000), Some(None));
    let counted = count(&request, &request.messages);
    assert_eq!(whole(counted), Some(Some(counted)));
    assert_eq!(whole(counted - 1), None);
}

#[test]
fn the_oldest_turns_go_and_the_next_user_message_says_so() {
    let turns = [
        turn("first", 20, 20),
        turn("second", 300, 300),
        turn("third", 300, 300),
        turn("fourth", 100, 100),
    ];
    let mut messages = vec![message("system", "Be brief.")];
    messages.extend(turns.into_iter().flatten());
    messages.push(message("user", "newest"));
    let (sent, truncated) = fitted(&messages, 1_000).unwrap();
    let starts: Vec<&str> = sent
        .iter()
        .map(|(_, text)| text.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        starts,
        ["Be", "first", "first", "[Earlier", "fourth", "newest"]
    );
    assert!(
        sent[3]
            .1
            .starts_with(&format!("{}fourth the", text::EARLIER))
    );
    assert_eq!(truncated.messages, 4);
    assert!((1_100..1_300).contains(&truncated.tokens), "{truncated:?}");
}

#[test]
fn system_messages_stay_in_their_places() {
    let mut messages = vec![message("developer", "Top.")];
    messages.extend(turn("first", 10, 10));
    messages.push(message("system", "Inside."));
    messages.extend(turn("second", 500, 500));
    messages.push(message("system", "Later."));
    messages.push(message("user", "newest"));
    let (sent, _) = fitted(&messages, 600).unwrap();
    assert_eq!(
        roles(&sent),
        ["developer", "user", "assistant", "system", "system", "user"]
    );
    assert_eq!(
        (sent[3].1.as_str(), sent[4].1.as_str()),
        ("Inside.", "Later.")
    );
}

#[test]
fn old_results_are_shortened_before_turns_go() {
    let mut messages = turn("first", 10, 10).to_vec();
    messages.push(message("user", "Look."));
    messages.extend(round("a", 3_000));
    messages.push(message("assistant", "Seen."));
    messages.push(message("user", "newest"));
    messages.extend(round("b", 600));
    let (sent, truncated) = fitted(&messages, 2_000).unwrap();
    assert_eq!(sent.len(), messages.len());
    let (old, new) = (&sent[4].1, &sent[8].1);
    assert!(old.contains(text::MIDDLE) && tokens::count(old) < 300);
    assert_eq!(*new, words(600));
    assert_eq!(truncated.messages, 1);
}

#[test]
fn an_old_result_of_parts_is_shortened_too() {
    let mut messages = vec![message("user", "Look.")];
    let [call, _] = round("a", 0);
    let result = json!([{"type": "text", "text": words(3_000)}]);
    messages.push(call);
    messages.push(json!({"role": "tool", "tool_call_id": "a", "content": result}));
    messages.push(message("user", "newest"));
    let (sent, _) = fitted(&messages, 1_000).unwrap();
    assert!(sent[2].1.starts_with(r#"[{"text":"the the "#));
    assert!(sent[2].1.len() < 1_000);
}

#[test]
fn a_long_turn_loses_its_oldest_rounds_after_the_middle_turns() {
    let mut messages = turn("first", 10, 10).to_vec();
    messages.extend(turn("second", 10, 10));
    messages.push(message("user", "Do it all."));
    for id in ["a", "b", "c", "d", "e", "f"] {
        messages.extend(round(id, 200));
    }
    let (sent, truncated) = fitted(&messages, 1_000).unwrap();
    assert_eq!(
        roles(&sent)[..4],
        ["user", "assistant", "user", "assistant"]
    );
    assert_eq!(
        sent[2].1,
        format!("{}Do it all.{}", text::EARLIER, text::STEPS)
    );
    let results: Vec<&String> = sent
        .iter()
        .filter(|(role, _)| role == "tool")
        .map(|(_, text)| text)
        .collect();
    let (newest, older) = results.split_last().unwrap();
    assert_eq!(**newest, words(200));
    assert!(!older.is_empty() && older.iter().all(|text| text.contains(text::MIDDLE)));
    assert_eq!(
        truncated.messages as usize,
        messages.len() - sent.len() + older.len()
    );
}

#[test]
fn a_long_turn_in_the_middle_keeps_its_newest_rounds() {
    let mut messages = turn("first", 10, 10).to_vec();
    messages.push(message("user", "Do it all."));
    let ids: Vec<String> = (0..60).map(|id| format!("call{id}")).collect();
    messages.extend(ids.iter().flat_map(|id| round(id, 80)));
    messages.push(message("user", "newest"));
    let (sent, truncated) = fitted(&messages, 1_000).unwrap();
    assert_eq!(sent[2].1, format!("Do it all.{}", text::STEPS));
    assert!(sent.len() > 10, "{}", sent.len());
    assert_eq!(truncated.messages as usize, messages.len() - sent.len());
}

#[test]
fn every_result_but_the_newest_rounds_is_shortened_before_rounds_go() {
    let mut messages = vec![message("user", "Read all.")];
    for id in ["a", "b", "c", "d"] {
        messages.extend(round(id, 400));
    }
    let (sent, truncated) = fitted(&messages, 1_400).unwrap();
    assert_eq!(sent.len(), messages.len());
    assert_eq!(sent[8].1, words(400));
    assert_eq!(truncated.messages, 3);
}

#[test]
fn a_message_that_alone_is_too_long_loses_its_middle() {
    let text = format!("Start. {} End.", words(50_000));
    let (sent, truncated) = fitted(&[message("user", text)], 1_000).unwrap();
    assert!(sent[0].1.starts_with("Start. the ") && sent[0].1.ends_with("the  End."));
    assert!(tokens::count(&sent[0].1) > 900);
    assert_eq!(truncated.messages, 1);
    assert!(
        (48_000..51_000).contains(&truncated.tokens),
        "{truncated:?}"
    );
}

#[test]
fn a_first_turn_that_is_too_long_is_cut_to_half_for_as_long_as_the_newest_fits() {
    let mut messages = turn("first", 3_000, 30).to_vec();
    messages.extend(turn("second", 100, 100));
    messages.push(message("user", "newest"));
    let (sent, truncated) = fitted(&messages, 1_000).unwrap();
    assert_eq!(sent.len(), messages.len());
    assert!(sent[0].1.contains(text::MIDDLE) && tokens::count(&sent[0].1) <= 500);
    assert_eq!(truncated.messages, 1);

    messages.push(message("assistant", "..."));
    messages.push(message("user", words(3_000)));
    let (sent, _) = fitted(&messages, 1_000).unwrap();
    assert_eq!(roles(&sent), ["user", "assistant", "user"]);
    assert!(tokens::count(&sent[0].1) <= 250 && tokens::count(&sent[2].1) > 600);
}

#[test]
fn results_of_the_newest_round_are_cut_when_nothing_else_is_left() {
    let mut messages = vec![message("user", "Read both.")];
    messages.extend(round("a", 3_000));
    messages.extend(round("b", 9_000));
    let (sent, truncated) = fitted(&messages, 1_000).unwrap();
    assert_eq!(roles(&sent), ["user", "assistant", "tool"]);
    assert_eq!(sent[0].1, format!("Read both.{}", text::STEPS));
    assert!(sent[2].1.contains(text::MIDDLE));
    assert_eq!(truncated.messages, 3);
}

#[test]
fn calls_are_never_cut() {
    let arguments = json!({"text": words(3_000)}).to_string();
    let call =
        json!({"id": "w", "type": "function", "function": {"name": "f", "arguments": arguments}});
    let call = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let result = json!({"role": "tool", "tool_call_id": "w", "content": "Written."});
    let mut messages = vec![message("user", "Write."), call, result];
    assert!(is_too_long(&messages, 1_000));

    messages.push(message("user", "newest"));
    let (sent, _) = fitted(&messages, 1_000).unwrap();
    assert_eq!(roles(&sent), ["user", "user"]);
    assert_eq!(sent[0].1, format!("Write.{}", text::STEPS));
}

#[test]
fn a_user_message_makes_room_for_a_call_that_takes_more_than_half() {
    let arguments = json!({"of": words(500)}).to_string();
    let call = json!({"id": "c", "type": "function",
        "function": {"name": "f", "arguments": arguments}});
    let messages = [
        message("user", words(600)),
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": "c", "content": "Yes."}),
    ];
    let (sent, _) = fitted(&messages, 900).unwrap();
    assert_eq!(roles(&sent), ["user", "assistant", "tool"]);
    assert!(sent[0].1.contains(text::MIDDLE));
    // Where the call's result has to be cut as well.
    let mut longer = messages;
    longer[2]["content"] = json!(words(900));
    let (sent, _) = fitted(&longer, 900).unwrap();
    assert!(sent[0].1.contains(text::MIDDLE) && sent[2].1.contains(text::MIDDLE));
}

#[test]
fn what_stands_before_the_first_user_message_goes_first() {
    let mut messages = vec![message("system", "Be brief.")];
    messages.extend(
        ["a", "b", "c", "d", "e", "f"]
            .into_iter()
            .flat_map(|id| round(id, 300)),
    );
    messages.push(message("user", "first"));
    let (sent, truncated) = fitted(&messages, 400).unwrap();
    assert_eq!(sent.last().unwrap().1, format!("{}first", text::EARLIER));
    assert_eq!(roles(&sent)[..2], ["system", "assistant"]);
    let kept_calls = roles(&sent)
        .iter()
        .filter(|role| **role == "assistant")
        .count();
    assert!(kept_calls > 0 && sent.len() == 2 + 2 * kept_calls);
    assert_eq!(truncated.messages as usize, 12 - kept_calls);
}

#[test]
fn without_a_user_message_the_newest_round_stays() {
    let messages: Vec<Value> = ["a", "b", "c"]
        .into_iter()
        .flat_map(|id| round(id, 300))
        .collect();
    let (sent, _) = fitted(&messages, 500).unwrap();
    assert_eq!(roles(&sent), ["assistant", "tool"]);
    assert_eq!(sent[0].1, text::EARLIER.trim());
}

#[test]
fn an_image_costs_what_it_costs_however_long_its_url_is() {
    let url = format!("data:image/png;base64,{}", "A".repeat(400_000));
    let image = json!([{"type": "image_url", "image_url": {"url": url}}]);
    let body = json!({"model": "m", "messages": [message("user", image.clone())]}).to_string();
    let request = ChatRequest::parse(&body).unwrap();
    assert!(matches!(
        fit(&request, &budget(2_000)),
        Fitted::Whole { counted: None }
    ));
    assert!(is_too_long(&[message("user", image)], 900));
}

#[test]
fn half_a_character_does_not_keep_a_text_from_being_cut() {
    let content = format!(r#""{}\ud83d""#, words(3_000));
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#);
    let request = ChatRequest::parse(&body).unwrap();
    assert!(matches!(fit(&request, &budget(1_000)), Fitted::Cut { .. }));
}

#[test]
fn what_the_system_says_and_the_tools_are_never_cut() {
    let user = message("user", "Hello.");
    assert!(is_too_long(
        &[message("system", words(2_000)), user.clone()],
        1_000
    ));

    let tools = json!([{"type": "function", "function": {"name": words(2_000)}}]);
    let body = json!({"model": "m", "messages": [user], "tools": tools}).to_string();
    let request = ChatRequest::parse(&body).unwrap();
    assert!(matches!(fit(&request, &budget(1_000)), Fitted::TooLong));
}

#[test]
fn no_window_is_too_small_to_be_asked_about() {
    let messages = [message("user", words(3_000))];
    let body = json!({"model": "m", "messages": messages}).to_string();
    let request = ChatRequest::parse(&body).unwrap();
    for (window, room) in [(0, 0), (0, 100), (100, 100), (100, u32::MAX), (120, 0)] {
        let budget = Budget {
            window,
            room,
            ratio: Ratio::default(),
            too_large: TooLarge::Probably,
        };
        assert!(matches!(fit(&request, &budget), Fitted::TooLong));
    }
    let all = Budget {
        window: u32::MAX,
        room: 0,
        ratio: Ratio::default().learned(1_000, 1),
        too_large: TooLarge::Probably,
    };
    assert!(matches!(
        fit(&request, &all),
        Fitted::Whole { counted: None }
    ));
}
