use super::*;

const TOOLS: &str = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;

fn judged_of(messages: &str, fields: &str, abilities: Abilities) -> Result<Able, &'static str> {
    let body = format!(r#"{{"model":"m","messages":{messages}{fields}}}"#);
    let request = ChatRequest::parse(&body).unwrap();
    judge(&request, abilities)
}

fn judged(fields: &str, content: &str, abilities: Abilities) -> Result<Able, &'static str> {
    let messages = format!(r#"[{{"role":"user","content":{content}}}]"#);
    judged_of(&messages, fields, abilities)
}

fn without(ability: Ability) -> Abilities {
    Abilities::UNKNOWN.without(ability)
}

#[test]
fn what_a_model_is_known_not_to_do_is_not_asked_of_it() {
    let check = |ability: Ability, fields: &str, content: &str, path: &'static str| {
        let unable = without(ability);
        assert_eq!(judged(fields, content, unable), Err(path), "{ability:?}");
        let unknown = judged(fields, content, Abilities::UNKNOWN);
        assert!(unknown.is_ok(), "{ability:?}");
        let nothing = judged("", "\"hi\"", unable);
        assert_eq!(nothing, Ok(Able::default()), "{ability:?}");
    };
    let asks = |ability, fields: &str, path| check(ability, fields, "\"hi\"", path);
    asks(Ability::Tools, TOOLS, "tools");
    asks(
        Ability::Tools,
        r#","functions":[{"name":"f"}]"#,
        "functions",
    );
    for choice in [
        r#""required""#,
        r#"{"type":"function","function":{"name":"f"}}"#,
        r#"{"type":"custom","custom":{"name":"f"}}"#,
        r#"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}"#,
    ] {
        let fields = format!(r#"{TOOLS},"tool_choice":{choice}"#);
        asks(Ability::ForcedTools, &fields, "tool_choice");
    }
    let named = r#","functions":[{"name":"f"}],"function_call":{"name":"f"}"#;
    asks(Ability::ForcedTools, named, "function_call");
    let schema = r#","response_format":{"type":"json_schema","json_schema":{}}"#;
    asks(Ability::JsonSchema, schema, "response_format");
    asks(Ability::Stop, r#","stop":["x"]"#, "stop");
    asks(Ability::Stop, r#","stop":"x""#, "stop");
    asks(Ability::Seed, r#","seed":1"#, "seed");
    asks(Ability::Logprobs, r#","logprobs":true"#, "logprobs");
    let spoken = r#","modalities":["text","audio"],"audio":{"voice":"a","format":"wav"}"#;
    asks(Ability::Audio, spoken, "modalities");
    for (ability, content, path) in [
        (
            Ability::Images,
            r#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]"#,
            "messages.content.image_url",
        ),
        (
            Ability::Files,
            r#"[{"type":"file","file":{}}]"#,
            "messages.content.file",
        ),
        (
            Ability::Audio,
            r#"[{"type":"input_audio","input_audio":{}}]"#,
            "messages.content.input_audio",
        ),
    ] {
        check(ability, "", content, path);
    }
}

#[test]
fn what_asks_for_nothing_needs_nothing() {
    for (ability, fields) in [
        (Ability::Tools, r#","tools":[]"#),
        (Ability::ForcedTools, r#","tool_choice":"required""#),
        (
            Ability::ForcedTools,
            r#","tools":[{}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto"}}"#,
        ),
        (
            Ability::ForcedTools,
            r#","tools":[{}],"tool_choice":"none""#,
        ),
        (
            Ability::JsonSchema,
            r#","response_format":{"type":"json_object"}"#,
        ),
        (Ability::Stop, r#","stop":[ ]"#),
        (Ability::Logprobs, r#","logprobs":false"#),
        (Ability::Audio, r#","modalities":["text"]"#),
    ] {
        assert!(
            judged(fields, "\"hi\"", without(ability)).is_ok(),
            "{fields}"
        );
    }
}

#[test]
fn a_model_without_tools_is_told_of_none_where_it_is_to_call_none() {
    let fields = format!(r#"{TOOLS},"tool_choice":"none","parallel_tool_calls":false"#);
    let able = judged(&fields, "\"hi\"", without(Ability::Tools)).unwrap();
    assert_eq!(able.named, ["tools"]);
    assert_eq!(
        able.left_out(),
        ["tools", "parallel_tool_calls", "tool_choice"]
    );
    let able = judged(&fields, "\"hi\"", Abilities::UNKNOWN).unwrap();
    assert!(able.left_out().is_empty());
}

#[test]
fn calls_in_a_history_need_tools_even_where_none_are_offered() {
    let history = r#"[{"role":"user","content":"hi"},
        {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"7"},{"role":"user","content":"and?"}]"#;
    let none = format!(r#"{TOOLS},"tool_choice":"none""#);
    for fields in ["", &none] {
        let judged = judged_of(history, fields, without(Ability::Tools));
        assert_eq!(judged, Err("messages.tool_calls"));
    }
    let judged = judged_of(history, "", without(Ability::ForcedTools));
    assert!(judged.is_ok());
    let plain =
        r#"[{"role":"assistant","content":"a","tool_calls":[]},{"role":"user","content":"b"}]"#;
    assert!(judged_of(plain, "", without(Ability::Tools)).is_ok());
}

#[test]
fn sampling_that_is_fixed_is_not_told_and_named_where_it_asks_for_something() {
    let fixed = without(Ability::Sampling);
    let fields =
        r#","temperature":0.2,"top_p":1,"presence_penalty":0.0,"frequency_penalty":0.5,"top_k":1"#;
    let able = judged(fields, "\"hi\"", fixed).unwrap();
    assert_eq!(able.named, ["frequency_penalty", "temperature", "top_k"]);
    assert_eq!(able.neutral, ["presence_penalty", "top_p"]);
    let able = judged(fields, "\"hi\"", Abilities::UNKNOWN).unwrap();
    assert!(able.left_out().is_empty());
}

#[test]
fn an_effort_that_a_model_does_not_take_becomes_the_next_lower_one() {
    let check = |asked: &str, abilities: Abilities, told: Option<&str>, named: usize| {
        let fields = format!(r#","reasoning_effort":"{asked}""#);
        let able = judged(&fields, "\"hi\"", abilities).unwrap();
        assert_eq!(able.effort.as_deref(), told, "{asked}");
        assert_eq!(able.named.len(), named, "{asked}");
    };
    let some = Abilities::UNKNOWN.taking(Effort::Low).taking(Effort::High);
    check("high", some, Some("high"), 0);
    check("max", some, Some("high"), 1);
    check("medium", some, Some("low"), 1);
    check("minimal", some, Some("low"), 1);
    check("none", some, Some("low"), 1);
    check("max", Abilities::UNKNOWN, Some("max"), 0);
    check("none", Abilities::UNKNOWN, Some("none"), 0);
    check("default", some, Some("default"), 0);
    let thinking = |thinking| {
        let mut abilities = Abilities::UNKNOWN;
        abilities.thinking = thinking;
        abilities
    };
    check("high", thinking(Thinking::None), None, 1);
    check("none", thinking(Thinking::None), None, 0);
    check("none", thinking(Thinking::Always), None, 1);
    check("high", thinking(Thinking::Always), Some("high"), 0);
    check("none", thinking(Thinking::Optional), Some("none"), 0);
}
