use std::borrow::Cow;

use pilotlight::models::{Ability, Effort};
use pilotlight::provider::NameRule;

use super::*;

fn named(name: &str) -> Asking<'static> {
    Asking::of(Company::named(name).unwrap())
}

/// A small request with these fields beside.
fn request(fields: Value) -> String {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let Value::Object(fields) = fields else {
        panic!("fields are an object");
    };
    request.as_object_mut().unwrap().extend(fields);
    request.to_string()
}

fn body(written: &UpstreamRequest) -> Value {
    serde_json::from_slice(&written.body).unwrap()
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {}}})
}

#[test]
fn a_model_that_refuses_tools_while_it_thinks_is_told_not_to() {
    let refuses = Abilities::UNKNOWN.without(Ability::ThinkingTools);
    let some = refuses.taking(Effort::None).taking(Effort::High);
    let always = refuses.taking(Effort::High);
    let check = |company: &str, abilities, effort: Option<&str>, told: Option<&str>, named_as| {
        let asking = Asking {
            abilities,
            ..named(company)
        };
        let mut fields = json!({"tools": [tool("f")]});
        if let Some(effort) = effort {
            fields["reasoning_effort"] = json!(effort);
        }
        let written = asking.write(&request(fields)).unwrap();
        assert_eq!(body(&written)["reasoning_effort"], json!(told), "{company}");
        assert_eq!(written.dropped, named_as, "{company} {effort:?}");
    };
    let nothing: &[&str] = &[];
    check("openai", refuses, None, Some("none"), nothing);
    check(
        "openai",
        some,
        Some("high"),
        Some("none"),
        &["reasoning_effort"],
    );
    check("openai", some, Some("none"), Some("none"), nothing);
    check(
        "openai",
        Abilities::UNKNOWN,
        Some("high"),
        Some("high"),
        nothing,
    );
    check("openrouter", refuses, Some("high"), Some("high"), nothing);

    let asking = Asking {
        abilities: always,
        ..named("openai")
    };
    let tools = request(json!({"tools": [tool("f")]}));
    assert_eq!(asking.write(&tools), Err(Unsupported("tools")));
    let old = request(json!({"functions": [{"name": "f"}]}));
    assert_eq!(asking.write(&old), Err(Unsupported("functions")));
    for none in [json!({}), json!({"tools": [], "reasoning_effort": "high"})] {
        let written = asking.write(&request(none.clone())).unwrap();
        assert_ne!(body(&written)["reasoning_effort"], "none", "{none}");
    }
}

#[test]
fn together_is_told_not_to_think_in_its_own_way() {
    let asked = |fields: Value| body(&named("together").write(&request(fields)).unwrap());
    let off = asked(json!({"reasoning_effort": "none"}));
    assert_eq!(off["reasoning"], json!({"enabled": false}));
    assert_eq!(off["reasoning_effort"], Value::Null);
    let both = asked(json!({"reasoning_effort": "none", "reasoning": {"enabled": true}}));
    assert_eq!(both["reasoning"], json!({"enabled": true}));
    assert_eq!(both["reasoning_effort"], Value::Null);
    let low = asked(json!({"reasoning_effort": "low"}));
    assert_eq!(low["reasoning_effort"], "low");
}

#[test]
fn no_company_is_asked_for_more_than_it_gives() {
    let stops = |count: usize| json!({"stop": vec!["x"; count]});
    let tools = |count: usize| json!({"tools": vec![tool("f"); count]});
    let check = |company: &str, fields: Value, expected: Option<&'static str>| {
        let written = named(company).write(&request(fields.clone()));
        assert_eq!(
            written.err(),
            expected.map(Unsupported),
            "{company} {fields}"
        );
    };
    for (company, most) in [("openai", 4), ("groq", 4), ("openrouter", 4), ("gemini", 5)] {
        check(company, stops(most), None);
        check(company, stops(most + 1), Some("stop"));
    }
    for company in ["together", "mistral", "compatible"] {
        check(company, stops(20), None);
    }
    check("groq", tools(128), None);
    check("groq", tools(129), Some("tools"));
    check("openai", tools(129), None);
    check("gemini", json!({"n": 8}), None);
    check("gemini", json!({"n": 9}), Some("n"));
}

#[test]
fn an_answer_is_never_asked_to_be_longer_than_the_model_can_write() {
    let asking = Asking {
        max_output: Some(100),
        ..named("openai")
    };
    for (asked, told) in [(50, 50), (100, 100), (5_000, 100)] {
        let written = asking
            .write(&request(json!({"max_tokens": asked})))
            .unwrap();
        assert_eq!(body(&written)["max_completion_tokens"], told);
    }
    let written = asking.write(&request(json!({}))).unwrap();
    assert_eq!(body(&written)["max_completion_tokens"], Value::Null);
}

#[test]
fn what_the_model_does_not_take_is_neither_sent_nor_named_again() {
    let left_out = [Cow::Borrowed("temperature")];
    for company in companies() {
        let asking = Asking {
            left_out: &left_out,
            ..Asking::of(company)
        };
        let written = asking.write(&request(json!({"temperature": 0.5}))).unwrap();
        assert_eq!(body(&written)["temperature"], Value::Null);
        assert!(written.dropped.is_empty(), "{}", company.name);
    }
}

#[test]
fn an_id_that_is_too_long_for_openai_is_another_in_the_call_and_in_its_result() {
    let check = |id: &str, stays: bool| {
        let call =
            json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let messages = json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": id, "content": "1"},
        ]);
        let request = json!({"model": "m", "messages": messages}).to_string();
        let body = body(&named("openai").write(&request).unwrap());
        let sent = &body["messages"][1]["tool_calls"][0]["id"];
        assert_eq!(sent == id, stays);
        assert_eq!(body["messages"][2]["tool_call_id"], *sent);
    };
    check(&"a".repeat(40), true);
    check(&"a".repeat(41), false);
    check("", false);
}

#[test]
fn texts_are_copied_byte_by_byte() {
    let text = r#""a\u0062\/ \ud83d\ude00  1.50""#;
    let message = format!(r#"{{"role":"user","content":{text}}}"#);
    let parts = format!(r#"[ {{"type":"text",  "text":{text}}}]"#);
    let listed = format!(r#"{{"role":"user","content":{parts}}}"#);
    for company in companies() {
        let request = format!(r#"{{"model":"m","messages":[{message},{listed}],"top_p":0.50}}"#);
        let written = Asking::of(company).write(&request).unwrap();
        let written = String::from_utf8(written.body).unwrap();
        assert!(written.contains(&message), "{written}");
        assert!(written.contains(text), "{written}");
        assert!(written.contains("0.50"), "{written}");
        if matches!(company.name, "openai" | "compatible") {
            assert!(written.contains(&listed), "{written}");
        }
    }
}

#[test]
fn a_tool_that_a_company_knows_by_another_name_is_the_callers_again_in_the_answer() {
    for company in companies() {
        let Some(rule) = openai().tool_names(company) else {
            assert_eq!(company.name, "compatible");
            continue;
        };
        let names = Names::of([Cow::Borrowed("files.read")], &rule);
        let sent = rule.fit("files.read");
        let reading = Reading {
            names: &names,
            ..reading_from(company)
        };
        let call = format!(
            r#"{{"index":0,"id":"c","type":"function","function":{{"name":"{sent}","arguments":"{{}}"}}}}"#
        );
        let chunk =
            format!(r#"data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{call}]}}}}]}}"#);
        let streamed = told(&[chunk.as_bytes()], &reading);
        assert!(streamed.contains(r#""name":"files.read""#), "{streamed}");
        let whole = format!(
            r#"{{"model":"m","choices":[{{"finish_reason":"tool_calls","message":{{"tool_calls":[{call}]}}}}]}}"#
        );
        let read = openai().read(whole.as_bytes(), &reading).unwrap();
        let expected = whole.replace(&*sent, "files.read");
        assert_eq!(String::from_utf8(read.json).unwrap(), expected);
    }
}

#[test]
fn a_chunk_that_needs_nothing_passes_as_it_is() {
    let calls =
        r#"[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
    for company in companies() {
        for delta in [
            r#"{"content":"a\u0062"}"#.to_owned(),
            format!(r#"{{"tool_calls":{calls}}}"#),
            r#"{"reasoning":"hm"}"#.to_owned(),
        ] {
            let chunk = format!(
                "data: {{\"choices\":[{{\"index\":0, \"delta\":{delta}}}],\"n\":1.50}}\n\n"
            );
            let mut decoder = openai().decoder(&reading_from(company));
            let mut seen = 0;
            decoder.feed(chunk.as_bytes(), &mut |event| {
                let Event::Chunk(told) = event else {
                    panic!("{event:?}");
                };
                assert_eq!(told.wire, Some(chunk.as_bytes()), "{}", company.name);
                seen += 1;
            });
            assert_eq!(seen, 1);
        }
    }
}

#[test]
fn a_stream_as_openai_writes_it_passes_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai/openai");
    let mut passed = 0;
    for case in [
        "empty_arguments",
        "length",
        "parallel_tools",
        "refusal",
        "text",
        "tools",
    ] {
        let stream = std::fs::read(root.join(case).join("stream.sse")).unwrap();
        for company in companies() {
            let mut decoder = openai().decoder(&reading_from(company));
            decoder.feed(&stream, &mut |event| {
                if let Event::Chunk(chunk) = event {
                    assert!(chunk.wire.is_some(), "{case} {}", company.name);
                    passed += 1;
                }
            });
        }
    }
    assert!(passed > 100, "{passed}");
}

#[test]
fn an_instruction_in_the_midst_is_the_users_text_where_the_model_takes_none() {
    let request = request(json!({"messages": [
        {"role": "system", "content": "First."},
        {"role": "developer", "content": "Second."},
        {"role": "user", "content": "Hello."},
        {"role": "system", "content": "Say \"bye\"."},
        {"role": "user", "content": "Go."},
    ]}));
    for company in companies() {
        let late = |abilities| {
            let asking = Asking {
                abilities,
                ..Asking::of(company)
            };
            let mut body = body(&asking.write(&request).unwrap());
            assert_eq!(body["messages"][0]["role"], "system");
            assert_ne!(body["messages"][1]["role"], "user");
            body["messages"][3].take()
        };
        let user = json!({"role": "user", "content": "<system>\nSay \"bye\".\n</system>"});
        let refuses = Abilities::UNKNOWN.without(Ability::LateSystem);
        assert_eq!(late(refuses), user, "{}", company.name);
        assert_eq!(late(Abilities::UNKNOWN)["role"], "system");
    }
}

#[test]
fn what_a_message_needs_is_never_left_out_without_a_word() {
    let said = |message: Value| {
        json!({"model": "m", "messages": [message, {"role": "user", "content": "hi"}]}).to_string()
    };
    let audio = said(json!({"role": "assistant", "audio": {"id": "a"}}));
    let called =
        said(json!({"role": "assistant", "function_call": {"name": "f", "arguments": ""}}));
    let result = said(json!({"role": "function", "name": "f", "content": "1"}));
    let video = said(json!({"role": "user", "content": [{"type": "video_url", "video_url": {}}]}));
    let seen = said(json!({"role": "tool", "tool_call_id": "c", "content":
        [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}));
    let check = |company: &str, request: &str, expected: Option<&'static str>| {
        let written = named(company).write(request);
        assert_eq!(
            written.err(),
            expected.map(Unsupported),
            "{company} {request}"
        );
    };
    for company in ["groq", "together", "mistral", "gemini", "compatible"] {
        check(company, &audio, Some("messages.audio"));
    }
    for company in ["together", "openrouter", "mistral", "gemini"] {
        check(company, &called, Some("messages.function_call"));
        check(company, &result, Some("messages.role"));
    }
    for company in ["openai", "groq", "compatible"] {
        check(company, &called, None);
        check(company, &result, None);
    }
    for company in ["groq", "mistral", "gemini"] {
        check(company, &video, Some("messages.content.type"));
    }
    for company in ["groq", "together", "mistral", "gemini"] {
        check(company, &seen, Some("messages.content.image_url"));
    }
    check("openrouter", &seen, None);
}

#[test]
fn a_conversation_to_be_gone_on_with_says_so_where_there_are_words_for_it() {
    let request = json!({"model": "m", "messages": [
        {"role": "user", "content": "Count."}, {"role": "assistant", "content": "1,"}]});
    for company in companies() {
        let asking = Asking {
            ending: Ending::Prefill,
            ..Asking::of(company)
        };
        let body = body(&asking.write(&request.to_string()).unwrap());
        let is_prefix = body["messages"][1]["prefix"] == true;
        let is_templates = body["continue_final_message"] == true;
        assert_eq!(is_prefix, company.name == "mistral");
        assert_eq!(is_templates, company.name == "compatible");
    }
}

/// A request as a caller may send it, in all its odd ways.
fn lawful() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        Just(("seed", json!(1))),
        Just(("stop", json!(["a", "b"]))),
        Just(("stop", json!("a"))),
        Just(("n", json!(2))),
        Just(("tool_choice", json!("required"))),
        Just((
            "tool_choice",
            json!({"type": "function", "function": {"name": "a.b"}})
        )),
        Just(("tool_choice", json!({"type": "allowed_tools"}))),
        Just(("parallel_tool_calls", json!(false))),
        Just(("reasoning_effort", json!("high"))),
        Just(("response_format", json!({"type": "json_object"}))),
        Just((
            "provider",
            json!({"require_parameters": null, "only": ["x"]})
        )),
        Just(("provider", json!("x"))),
        Just(("logprobs", json!(true))),
        Just(("temperature", json!(0))),
        Just(("stream", json!(true))),
        Just(("max_tokens", json!(7))),
        "[a-z_é\"]{1,8}".prop_flat_map(|name| {
            let name: &'static str = Box::leak(name.into_boxed_str());
            (Just(name), value())
        }),
    ];
    let fields = proptest::collection::vec(field, 0..4);
    let tools = proptest::collection::vec(tools(), 0..3);
    let messages = proptest::collection::vec(message(), 1..6);
    (fields, tools, messages).prop_map(|(fields, tools, messages)| {
        let mut request = json!({"model": "m", "messages": messages, "tools": tools});
        for (name, value) in fields {
            if !matches!(name, "model" | "messages" | "tools") {
                request[name] = value;
            }
        }
        request.to_string()
    })
}

fn tools() -> impl Strategy<Value = Value> {
    let schema = prop_oneof![
        value(),
        Just(json!({"$schema": "x", "properties": {"strict": {"strict": true}}, "anyOf": [{}]})),
    ];
    prop_oneof![
        ("[a-z.7é]{1,4}", schema).prop_map(|(name, parameters)| {
            json!({"type": "function", "function": {"name": name, "parameters": parameters}})
        }),
        Just(json!({"type": "custom", "custom": {"name": "sh"}})),
        value(),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        Just(json!({"type": "text", "text": "a\"\n", "cache_control": {"type": "ephemeral"}})),
        Just(json!({"type": "refusal", "refusal": "no"})),
        Just(json!({"type": "image_url", "image_url": "data:,"})),
        Just(json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}})),
        value(),
    ];
    let content = prop_oneof![
        Just(json!("text")),
        proptest::collection::vec(part, 0..3).prop_map(Value::from),
        Just(Value::Null),
    ];
    let role = prop_oneof![
        Just("user"),
        Just("assistant"),
        Just("tool"),
        Just("system"),
        Just("developer"),
        Just("function"),
    ];
    let call = ("[a-c]{0,2}", value(), value()).prop_map(|(id, name, arguments)| {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    });
    let calls = prop_oneof![
        proptest::collection::vec(call, 0..3).prop_map(Value::from),
        value(),
    ];
    let names = "[a-c]{0,2}";
    (role, content, calls, names, value()).prop_map(|(role, content, calls, id, other)| {
        let mut message = json!({"role": role, "content": content});
        match role {
            "assistant" => {
                message["tool_calls"] = calls;
                message["reasoning"] = other.clone();
                message["refusal"] = other;
            }
            "tool" => {
                message["tool_call_id"] = json!(id);
                message["name"] = other;
            }
            _ => message["name"] = other,
        }
        message
    })
}

proptest! {
    #[test]
    fn arbitrary_requests_are_written_as_json_or_refused(request in lawful()) {
        // What is no request never comes here.
        if ChatRequest::parse(&request).is_ok() {
            for company in companies() {
                for ending in [Ending::Usual, Ending::Prefill] {
                    let asking = Asking { ending, ..Asking::of(company) };
                    if let Ok(written) = asking.write(&request) {
                        let body: Value = serde_json::from_slice(&written.body).unwrap();
                        let messages = body["messages"].as_array().unwrap();
                        prop_assert!(!messages.is_empty());
                        let is_plain = |name: &Cow<'_, str>| name.is_ascii();
                        prop_assert!(written.dropped.iter().all(is_plain));
                        // What is sent once is sent again the same.
                        prop_assert_eq!(asking.write(&request), Ok(written));
                    }
                }
            }
        }
    }

    #[test]
    fn every_result_is_of_a_call_that_is_sent(ids in proptest::collection::vec("[a-zA-Z0-9_-]{1,50}", 1..5)) {
        let calls: Vec<Value> = ids.iter().map(|id| {
            json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}})
        }).collect();
        let mut messages = vec![json!({"role": "user", "content": "hi"})];
        messages.push(json!({"role": "assistant", "tool_calls": calls}));
        messages.extend(ids.iter().rev().map(|id| {
            json!({"role": "tool", "tool_call_id": id, "content": id})
        }));
        let request = json!({"model": "gemini-3.8-flash", "messages": messages}).to_string();
        for company in companies() {
            let body = body(&Asking::of(company).write(&request).unwrap());
            let sent: Vec<&Value> = body["messages"][1]["tool_calls"]
                .as_array().unwrap().iter().map(|call| &call["id"]).collect();
            let results: Vec<&Value> = body["messages"].as_array().unwrap()[2..]
                .iter().map(|result| &result["tool_call_id"]).collect();
            prop_assert_eq!(sent.len(), results.len());
            prop_assert!(results.iter().all(|id| sent.contains(id)), "{}", company.name);
            if company.tool_names.is_some() {
                prop_assert_eq!(sent, results, "{}", company.name);
            }
        }
    }

    #[test]
    fn every_name_of_a_tool_that_is_sent_is_by_the_rule(name in "\\PC{1,80}") {
        let request = request(json!({"tools": [tool(&name)]}));
        for company in companies() {
            let Some(rule) = company.tool_names else { continue };
            let body = body(&Asking::of(company).write(&request).unwrap());
            let sent = body["tools"][0]["function"]["name"].as_str().unwrap();
            let rule: NameRule = rule;
            prop_assert!(matches!(rule.fit(sent), Cow::Borrowed(_)), "{}", sent);
        }
    }
}
