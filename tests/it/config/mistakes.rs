//! What is told of a config that is wrong: a sound one with something changed, and each mistake's
//! path and words.

use pilotlight::config;
use serde_json::{Value, json};

use super::{check_told, parse, sound, with};

/// One change to the sound config, and the one mistake at its place.
#[track_caller]
fn check(pointer: &str, value: Value, part: &str) {
    let path = pointer.trim_start_matches('/').replace('/', ".");
    check_told(parse(&with(&[(pointer, value)])), &[(&path, part)]);
}

/// One change to the sound config, and the one mistake at another place.
#[track_caller]
fn check_at(pointer: &str, value: Value, path: &str, part: &str) {
    check_told(parse(&with(&[(pointer, value)])), &[(path, part)]);
}

#[test]
fn names_are_suggested_and_misplaced_keys_are_sent_home() {
    check("/max_bodi", json!(1), "did you mean \"max_body\"?");
    check("/nonsense", json!(1), "known: targets, routes,");
    check("/attempts", json!(1), "`defaults`");
    check("/model", json!("m"), "target's own table");
    check("/targets/home/public", json!(true), "top level");
    check("/targets/home/api_key", json!("x"), "\"key\"");
    check("/default_route", json!("atuo"), "\"auto\"");
    let defaults = |name: &str| json!({ name: 1 });
    check_at(
        "/defaults",
        defaults("key"),
        "defaults.key",
        "target's own table",
    );
    check_at(
        "/defaults",
        defaults("public"),
        "defaults.public",
        "top level",
    );
    check_at(
        "/defaults",
        defaults("atempts"),
        "defaults.atempts",
        "\"attempts\"",
    );
    let route = json!({ "targets": ["home"], "order": 1 });
    check_at("/routes/auto", route, "routes.auto.order", "known: targets");
    check_at(
        "/routes/auto",
        json!(["hoem"]),
        "routes.auto[0]",
        "did you mean \"home\"?",
    );
    let dialects = "did you mean \"openai\"? (known: anthropic, ollama, openai, responses)";
    check("/targets/groq/provider", json!("opanai"), dialects);
    let companies = "(known: openai, groq, together, openrouter, mistral, gemini, anthropic, \
                     compatible)";
    check("/targets/groq/company", json!("grok"), companies);
}

#[test]
fn a_setting_of_the_wrong_kind_or_out_of_range_says_what_would_be_right() {
    let check = |name: &str, value: Value, part: &str| {
        check(&format!("/targets/groq/{name}"), value, part);
    };
    check(
        "attempts",
        json!(0),
        "is 0: it should be a whole number from 1 to 10",
    );
    check("attempts", json!(1.5), "is 1.5:");
    check("attempts", json!("2"), "is \"2\":");
    check(
        "stall_timeout",
        json!("soon"),
        "a time from 1ms to 1h, such as \"30s\"",
    );
    check("stall_timeout", json!("30"), "is \"30\":");
    check("stall_timeout", json!(-1), "is -1:");
    check("stall_timeout", json!(1e300), "a time");
    check("backoff_base", json!("11m"), "from 0 to 10m");
    check("breaker_rate", json!(0), "above 0, up to 1");
    check("breaker_rate", json!(1.01), "above 0, up to 1");
    check("truncate", json!("always"), "\"auto\" or \"never\"");
    check("keep_alive", json!("1 day"), "as Ollama writes it");
    check("max_output", json!(0), "from 1 to");
    check("context", json!(255), "from 256 to");
    check(
        "home",
        json!("yes"),
        "is \"yes\": it should be false or true",
    );
    check("home", json!(1), "false or true");
    check("model", json!(""), "the model's name");
    check("model", json!({ "name": "m" }), "is an object:");
    check("model", json!("modèle"), "printable ASCII");
    check("provider", json!(["openai"]), "is an array:");
}

#[test]
fn any_other_value_of_the_wrong_kind_says_so_too() {
    check("/max_body", json!("8 loaves"), "such as \"8MiB\"");
    check("/max_body", json!(10), "from 1KiB to 64MiB");
    check("/public", json!("true"), "false or true");
    check("/default_route", json!(5), "the name of a route");
    check("/defaults", json!([]), "is an array: it should be a table");
    check(
        "/targets/home",
        json!("x"),
        "is \"x\": it should be a table",
    );
    check("/routes", json!(5), "is 5: it should be a table");
    check("/routes/auto", json!("home"), "a list of targets");
    check("/allowed_origins", json!("*"), "a list of origins");
    let origins = json!(["https://a.b", "https://a.b/c", "a.b"]);
    check("/allowed_origins", origins, "entry 2 has a path");
    check_at(
        "/routes/auto",
        json!([["home"]]),
        "routes.auto[0]",
        "the name of a target",
    );
    let twelve = json!({ "attempts": 12 });
    check_at("/defaults", twelve, "defaults.attempts", "from 1 to 10");
    let lost = "which is no target";
    check_told(
        parse(&with(&[("/targets", json!(5))])),
        &[
            ("targets", "is 5: it should be a table"),
            ("routes.auto[0]", lost),
            ("routes.auto[1]", lost),
            ("routes.home[0]", lost),
        ],
    );
}

#[test]
fn a_price_that_is_none_says_what_would_be_one() {
    let tokens = "US dollars for a million tokens, such as 0.15, from 0 to 1000000";
    let price = |value: Value, part: &str| {
        let pair = [
            ("/targets/groq/price_in", value),
            ("/targets/groq/price_out", json!(1)),
        ];
        check_told(parse(&with(&pair)), &[("targets.groq.price_in", part)]);
    };
    price(json!(-1), tokens);
    price(json!(0.000_000_1), "with up to 6 decimals");
    price(json!(1_000_001), tokens);
    price(json!("0.15"), "is \"0.15\":");
    price(json!([]), "is an array:");
    check(
        "/kwh_price",
        json!("cheap"),
        "for a kilowatt hour, such as 0.32",
    );
    check("/kwh_price", json!(1_001), "from 0 to 1000");
    check("/targets/home/watts", json!(0), "a whole number from 1 to");
    check(
        "/targets/home/watts",
        json!(0.5),
        "a whole number from 1 to",
    );
    check("/targets/home/kwh_price", json!(1), "top level");
    check("/watts", json!(1), "target's own table");
}

#[test]
fn half_a_price_and_a_meter_in_the_cloud_are_told() {
    let at = |name: &str| format!("/targets/groq/{name}");
    let half = "is half of a price, and this the other";
    check_at(&at("price_in"), json!(1), "targets.groq.price_out", half);
    check_at(&at("price_out"), json!(1), "targets.groq.price_in", half);
    check(
        &at("price_cached"),
        json!(1),
        "write price_in and price_out too",
    );
    check(&at("watts"), json!(60), "means nothing in the cloud");
}

#[test]
fn what_contradicts_something_else_names_both() {
    let less = "is 100ms, less than backoff_base, which is 250ms";
    check("/targets/groq/backoff_max", json!("100ms"), less);
    let more = "is 5s, more than backoff_max, which is 4s";
    let base = json!({ "backoff_base": "5s" });
    check_at("/defaults", base, "defaults.backoff_base", more);
    check(
        "/targets/home/breaker_cooldown",
        json!("11m"),
        "more than breaker_cooldown_max",
    );
    check(
        "/deadline",
        json!("1h"),
        "more than deadline_max, which is 30m",
    );
    check(
        "/deadline_max",
        json!(60),
        "less than deadline, which is 10m",
    );
    let output = json!({ "max_output": 8192 });
    check_at(
        "/defaults",
        output,
        "targets.home.context",
        "max_output (8192)",
    );
    check(
        "/targets/home/company",
        json!("groq"),
        "means nothing to provider \"ollama\"",
    );
    let again = json!(["home", "groq", "home"]);
    check_at("/routes/auto", again, "routes.auto[2]", "already");
    let twice = sound()
        .to_string()
        .replacen('{', "{\"public\":true,\"public\":true,", 1);
    check_told(config::parse(&twice, &|_| None), &[("public", "twice")]);
}

#[test]
fn what_is_missing_is_shown_as_it_should_be_written() {
    check("/routes", json!(null), "auto = [\"groq\", \"home\"]");
    check("/routes", json!({}), "is empty: write");
    check("/routes/auto", json!([]), "is empty");
    check_at(
        "/routes/auto",
        json!({}),
        "routes.auto.targets",
        "is missing",
    );
    let no_auto = "is missing, and there is no route \"auto\"";
    check_at(
        "/routes",
        json!({ "cloud": ["groq"] }),
        "default_route",
        no_auto,
    );
    check_told(
        parse(&with(&[("/targets/groq", json!({}))])),
        &[
            (
                "targets.groq.provider",
                "is missing: it should be the name of a dialect",
            ),
            (
                "targets.groq.model",
                "is missing: it should be the model's name",
            ),
            ("targets.groq.base_url", "is missing: it should be a URL"),
        ],
    );
    check_told(
        parse(&json!({})),
        &[
            ("targets", "at least one target"),
            ("routes", "auto = [\"home\"]"),
        ],
    );
    let half = "half of a service token";
    let [id, secret] = ["targets.groq.access_id", "targets.groq.access_secret"];
    check_at("/targets/groq/access_id", json!("ID"), secret, half);
    check_at("/targets/groq/access_secret", json!("SECRET"), id, half);
}

#[test]
fn a_bad_address_is_told_why_and_not_repeated() {
    let check = |url: &str, part: &str| {
        check("/targets/groq/base_url", json!(url), part);
        let told = parse(&with(&[("/targets/groq/base_url", json!(url))])).unwrap_err();
        assert!(!told[0].problem.contains("hunter2"), "{told:?}");
    };
    check("", "a URL, such as");
    check("api.groq.com", "http:// or https://");
    check("ws://api.groq.com", "http:// or https://");
    check("https://", "host");
    check("https://api.groq.com?key=hunter2", "query");
    check("https://api.groq.com/#hunter2", "fragment");
    check("https://me:hunter2@api.groq.com", "password");
    let whole = "https://api.groq.com/openai/v1/chat/completions";
    check(whole, "/chat/completions follows by itself");
    let api = json!("http://127.0.0.1:11434/api/");
    let follows = "/api/chat follows by itself";
    check_at(
        "/targets/home/base_url",
        api,
        "targets.home.base_url",
        follows,
    );
}

#[test]
fn a_name_that_cannot_travel_in_a_header_is_refused() {
    let target = || json!({ "provider": "ollama", "base_url": "http://h", "model": "m" });
    check_at(
        "/targets/my box",
        target(),
        "targets.\"my box\"",
        "letters, digits",
    );
    check_at("/targets/", target(), "targets.\"\"", "letters, digits");
    check_at(
        "/routes/a,b",
        json!(["home"]),
        "routes.\"a,b\"",
        "letters, digits",
    );
    let config = parse(&with(&[("/targets/gpt-4.1:mini", target())])).unwrap();
    assert!(config.target("gpt-4.1:mini").is_some());
    let mut broken = target();
    broken["model"] = json!(1);
    check_at(
        "/targets/gpt-4.1",
        broken,
        "targets.\"gpt-4.1\".model",
        "is 1:",
    );
}

#[test]
fn text_that_is_no_json_table_is_one_mistake_that_says_where() {
    let check = |text: &str, part: &str| {
        check_told(config::parse(text, &|_| None), &[("PILOTLIGHT", part)]);
    };
    check("", "line 1 column 0");
    check("{\"targets\": ", "line 1 column 12");
    check("{\n  \"targets\": {},,\n}", "line 2 column 17");
    check("{\"routes\": {\"\\ud800\": []}}", "line 1 column");
    check("{\"deadline\": 1e999}", "line 1 column");
    check(&"[".repeat(100_000), "line 1 column");
    check(
        "[1]",
        "is an array: it should be a table with `targets` and `routes`",
    );
    check("null", "is null");
    check("\"sk-proj-abc\"", "better not repeated");
}

#[test]
fn every_mistake_is_told_at_once() {
    let changes = [
        ("/default_route", json!("none")),
        ("/max_bodi", json!(5)),
        ("/deadline", json!("soon")),
        ("/defaults", json!({ "truncate": true })),
        ("/targets/groq/modle", json!("m")),
        ("/targets/groq/attempts", json!(0)),
        ("/targets/home/provider", json!("olama")),
        ("/targets/home/base_url", json!("127.0.0.1:11434")),
        ("/routes/auto", json!(["groq", "hoem"])),
        ("/routes/empty", json!([])),
    ];
    let expected = [
        ("max_bodi", ""),
        ("deadline", ""),
        ("defaults.truncate", ""),
        ("targets.groq.modle", ""),
        ("targets.groq.attempts", ""),
        ("targets.home.base_url", ""),
        ("targets.home.provider", "\"olama\""),
        ("routes.auto[1]", ""),
        ("routes.empty", ""),
        ("default_route", ""),
    ];
    check_told(parse(&with(&changes)), &expected);
}

#[test]
fn what_a_model_can_do_is_said_in_known_words_that_do_not_contradict_each_other() {
    let check = |name: &str, value: Value, part: &str| {
        check(&format!("/targets/groq/{name}"), value, part);
    };
    check(
        "can",
        json!(["imagse"]),
        "holds \"imagse\", which is no ability: did you mean \"images\"? (known: audio, files, \
         forced_tools, images, json_schema, late_system, logprobs, prefill, sampling, seed, stop, \
         thinking_tools, tools)",
    );
    check(
        "cannot",
        json!("tools"),
        "is \"tools\": it should be a list of",
    );
    check(
        "cannot",
        json!([7]),
        "holds 7: it should be a list of abilities",
    );
    check("efforts", json!(["hihg"]), "did you mean \"high\"?");
    check("efforts", json!([]), "is empty: it should be a list of");
    check("thinking", json!("sometimes"), "\"budget\"");
    check("thinking", json!(""), "\"optional\"");
    check("thinking", json!(true), "is true:");
    let told = parse(&with(&[
        ("/targets/groq/can", json!(["stop", "tools"])),
        ("/targets/groq/cannot", json!(["images", "tools"])),
        ("/targets/groq/thinking", json!("none")),
        ("/targets/groq/efforts", json!(["none", "low"])),
    ]));
    let both = "holds \"tools\", which `can` holds too";
    check_told(
        told,
        &[
            ("targets.groq.cannot", both),
            ("targets.groq.efforts", "thinking = \"none\""),
        ],
    );
}
