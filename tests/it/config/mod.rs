//! Configurations, good and bad, and the two documents that describe them.
//!
//! Every case is one sound config with something changed, so that a case shows only what it is
//! about.

use pilotlight::config::settings::{ContentPolicy, Prefill, StreamInside, Truncate, Watch};
use pilotlight::config::{self, Config, Context, Exposure, Key, Mistake, Origins, Place, Settings};
use pilotlight::stream::relay::Calls;
use serde_json::{Value, json};

/// Anything at all, and what is told of it.
mod arbitrary;

/// Targets that are reached by a binding.
mod bindings;

/// The README's tables and the config that ships.
mod documents;

/// What a target may say of the box that it runs on.
mod boxes;

/// What is told of a config that is wrong.
mod mistakes;

/// Credentials: the providers' and the callers'.
mod secrets;

fn sound() -> Value {
    json!({
        "targets": {
            "groq": {
                "provider": "openai",
                "base_url": "https://api.groq.com/openai/v1",
                "model": "openai/gpt-oss-120b",
                "key": "GROQ_API_KEY",
            },
            "home": {
                "provider": "ollama",
                "base_url": "http://127.0.0.1:11434",
                "model": "llama3.2",
                "context": 8192,
                "home": true,
            },
        },
        "routes": { "auto": ["groq", "home"], "home": ["home"] },
    })
}

/// The sound config with the value at each JSON pointer set.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut config = sound();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = config.pointer_mut(parent).unwrap();
        parent[name] = value.clone();
    }
    config
}

fn parse(config: &Value) -> Result<Config, Vec<Mistake>> {
    config::parse(&config.to_string(), &|_| None)
}

fn parse_sound(changes: &[(&str, Value)]) -> Config {
    parse(&with(changes)).unwrap()
}

/// Asserts what is told: the path of each mistake, and a part of what is said.
#[track_caller]
fn check_told(parsed: Result<Config, Vec<Mistake>>, expected: &[(&str, &str)]) {
    let told = parsed.err().unwrap_or_default();
    let paths: Vec<&str> = told.iter().map(|mistake| mistake.path.as_str()).collect();
    let expected_paths: Vec<&str> = expected.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, expected_paths, "{told:#?}");
    for (mistake, (_, part)) in told.iter().zip(expected) {
        let problem = &mistake.problem;
        assert!(problem.contains(part), "{part:?} is not in {mistake:?}");
        assert!(!problem.ends_with('.'), "{mistake:?}");
    }
}

#[test]
fn what_is_not_written_has_its_default() {
    let config = parse_sound(&[]);
    assert_eq!(config.default_route, "auto");
    assert_eq!(config.exposure, Exposure::Local);
    assert_eq!(config.origins, Origins::Listed(Vec::new()));
    assert_eq!(config.max_body, 8 * 1024 * 1024);
    assert_eq!(
        (config.deadline_ms, config.deadline_max_ms),
        (600_000, 1_800_000)
    );
    assert!(config.keys.is_empty());

    let home = config.target("home").unwrap();
    assert_eq!(
        (home.context, home.place),
        (Context::Tokens(8192), Place::Home)
    );
    assert!(matches!(home.key, Key::None));
    assert!(home.access.is_none());
    let groq = config.target("groq").unwrap();
    // As the table of models has it.
    assert_eq!(
        (groq.context, groq.place),
        (Context::Tokens(131_072), Place::Cloud)
    );

    let cloud = Settings {
        attempts: 2,
        attempt_timeout_ms: 120_000,
        backoff_base_ms: 250,
        backoff_max_ms: 4_000,
        breaker_cooldown_ms: 15_000,
        breaker_cooldown_max_ms: 600_000,
        breaker_credential_cooldown_ms: 1_800_000,
        breaker_failures: 5,
        breaker_min_requests: 10,
        breaker_rate: 0.5,
        breaker_window_ms: 60_000,
        content_policy: ContentPolicy::Tell,
        first_token_timeout_ms: 30_000,
        headers_timeout_ms: 20_000,
        hedge_after_ms: None,
        keep_alive: None,
        load_timeout_ms: 300_000,
        max_output: None,
        prefill: Prefill::No,
        retry_after_max_ms: 5_000,
        stall_timeout_ms: 30_000,
        stream_inside: StreamInside::AtHome,
        tool_calls: Calls::Whole,
        truncate: Truncate::Auto,
        lease_ms: 600_000,
        queue: 100,
        slots: 1,
        wait_ms: 0,
        wait_alone_ms: 300_000,
        watch: Watch::Yes,
    };
    assert_eq!(groq.settings, cloud);
    let at_home = Settings {
        attempt_timeout_ms: 300_000,
        first_token_timeout_ms: 180_000,
        headers_timeout_ms: 180_000,
        stall_timeout_ms: 60_000,
        ..cloud
    };
    assert_eq!(home.settings, at_home);
}

#[test]
fn what_is_written_is_read_whatever_its_spelling() {
    let config = parse_sound(&[
        ("/default_route", json!("home")),
        ("/public", json!(true)),
        (
            "/allowed_origins",
            json!(["https://App.example.com", "http://localhost:5173"]),
        ),
        ("/max_body", json!("512KiB")),
        ("/deadline", json!("90s")),
        ("/deadline_max", json!(120)),
        ("/targets/home/attempts", json!(3)),
        ("/targets/home/attempt_timeout", json!("2m")),
        ("/targets/home/backoff_base", json!("100ms")),
        ("/targets/home/backoff_max", json!(1.5)),
        ("/targets/home/breaker_cooldown", json!("3s")),
        ("/targets/home/breaker_cooldown_max", json!("4s")),
        ("/targets/home/breaker_credential_cooldown", json!("1h")),
        ("/targets/home/breaker_failures", json!(7)),
        ("/targets/home/breaker_min_requests", json!(8)),
        ("/targets/home/breaker_rate", json!(1)),
        ("/targets/home/breaker_window", json!("9s")),
        ("/targets/home/content_policy", json!("failover")),
        ("/targets/home/first_token_timeout", json!("10s")),
        ("/targets/home/headers_timeout", json!("11s")),
        ("/targets/home/keep_alive", json!("30m")),
        ("/targets/home/max_output", json!(1024)),
        ("/targets/home/retry_after_max", json!(0)),
        ("/targets/home/stall_timeout", json!("0.5s")),
        ("/targets/home/load_timeout", json!("10m")),
        ("/targets/home/hedge_after", json!(2.5)),
        ("/targets/home/stream_inside", json!(false)),
        ("/targets/home/tool_calls", json!("streamed")),
        ("/targets/home/prefill", json!(true)),
        ("/targets/home/watch", json!(false)),
        ("/targets/home/truncate", json!("never")),
    ]);
    assert_eq!(config.default_route, "home");
    assert_eq!(config.exposure, Exposure::Public);
    let origins = ["https://app.example.com", "http://localhost:5173"];
    assert_eq!(
        config.origins,
        Origins::Listed(origins.map(str::to_owned).to_vec())
    );
    assert_eq!(config.max_body, 512 * 1024);
    assert_eq!(
        (config.deadline_ms, config.deadline_max_ms),
        (90_000, 120_000)
    );
    let settings = Settings {
        attempts: 3,
        attempt_timeout_ms: 120_000,
        backoff_base_ms: 100,
        backoff_max_ms: 1_500,
        breaker_cooldown_ms: 3_000,
        breaker_cooldown_max_ms: 4_000,
        breaker_credential_cooldown_ms: 3_600_000,
        breaker_failures: 7,
        breaker_min_requests: 8,
        breaker_rate: 1.0,
        breaker_window_ms: 9_000,
        content_policy: ContentPolicy::Failover,
        first_token_timeout_ms: 10_000,
        headers_timeout_ms: 11_000,
        hedge_after_ms: Some(2_500),
        keep_alive: Some("30m".to_owned()),
        load_timeout_ms: 600_000,
        max_output: Some(1024),
        prefill: Prefill::Yes,
        retry_after_max_ms: 0,
        stall_timeout_ms: 500,
        stream_inside: StreamInside::No,
        tool_calls: Calls::Streamed,
        truncate: Truncate::Never,
        watch: Watch::No,
        ..Settings::built_in(Place::Home)
    };
    assert_eq!(config.target("home").unwrap().settings, settings);
}

#[test]
fn all_origins_may_be_allowed() {
    let any = parse_sound(&[("/allowed_origins", json!(["*"]))]);
    assert_eq!(any.origins, Origins::Any);
}

#[test]
fn a_targets_own_setting_wins_over_defaults_and_these_over_the_built_in_ones() {
    let config = parse_sound(&[
        (
            "/defaults",
            json!({ "attempts": 4, "headers_timeout": "7s" }),
        ),
        ("/targets/groq/attempts", json!(1)),
    ]);
    let settings = |name: &str| &config.target(name).unwrap().settings;
    assert_eq!(
        (settings("groq").attempts, settings("home").attempts),
        (1, 4)
    );
    assert_eq!(settings("groq").headers_timeout_ms, 7_000);
    assert_eq!(settings("home").headers_timeout_ms, 7_000);
    assert_eq!(settings("groq").stall_timeout_ms, 30_000);
    assert_eq!(settings("home").stall_timeout_ms, 60_000);
}

#[test]
fn the_address_and_the_company_follow_from_provider_and_base_url() {
    let check = |changes: &[(&str, Value)], url: &str, company: &str| {
        let config = parse_sound(changes);
        let target = config.target("groq").unwrap();
        assert_eq!((target.url.as_str(), target.company.name), (url, company));
    };
    let url = "/targets/groq/base_url";
    check(
        &[],
        "https://api.groq.com/openai/v1/chat/completions",
        "groq",
    );
    check(
        &[(url, json!("https://api.groq.com/openai/v1/"))],
        "https://api.groq.com/openai/v1/chat/completions",
        "groq",
    );
    let own = json!("http://10.0.0.2:8080/v1");
    check(
        &[(url, own.clone())],
        "http://10.0.0.2:8080/v1/chat/completions",
        "compatible",
    );
    let company = ("/targets/groq/company", json!("together"));
    check(
        &[(url, own), company],
        "http://10.0.0.2:8080/v1/chat/completions",
        "together",
    );
    let config = parse_sound(&[]);
    let home = config.target("home").unwrap();
    assert_eq!(home.url, "http://127.0.0.1:11434/api/chat");
    assert_eq!(home.company.name, "compatible");
}

#[test]
fn a_price_is_the_written_one_else_nothing_at_home_else_the_known_one_of_the_companys_own_host() {
    let check = |target: &str, changes: &[(&str, Value)], expected: Option<[&str; 3]>| {
        let config = parse_sound(changes);
        let price = config.target(target).unwrap().price;
        let told = price.map(|price| {
            let cached = price
                .cached
                .map_or(String::new(), |cached| cached.to_string());
            [price.input.to_string(), price.output.to_string(), cached]
        });
        assert_eq!(
            told,
            expected.map(|it| it.map(str::to_owned)),
            "{changes:?}"
        );
    };
    let groq = Some(["0.00000015", "0.0000006", "0.000000075"]);
    check("groq", &[], groq);
    check("home", &[], Some(["0", "0", ""]));
    let written = [
        ("/targets/groq/price_in", json!(0.000_001)),
        ("/targets/groq/price_out", json!(0)),
    ];
    check("groq", &written, Some(["0.000000000001", "0", ""]));
    let at_home = [
        ("/targets/home/price_in", json!(0.1)),
        ("/targets/home/price_out", json!(0.30)),
        ("/targets/home/price_cached", json!(0)),
    ];
    check("home", &at_home, Some(["0.0000001", "0.0000003", "0"]));
    check("groq", &[("/targets/groq/model", json!("new"))], None);
    let elsewhere = (
        "/targets/groq/base_url",
        json!("https://proxy.example.com/v1"),
    );
    let as_groq = ("/targets/groq/company", json!("groq"));
    check("groq", &[elsewhere, as_groq.clone()], None);
    check("groq", &[as_groq], groq);
    let other = ("/targets/groq/company", json!("together"));
    check("groq", &[other], None);
    // A host of its own for a region may have prices of its own.
    let openai = |host: &str| {
        [
            (
                "/targets/groq/base_url",
                json!(format!("https://{host}/v1")),
            ),
            ("/targets/groq/model", json!("gpt-5.4-mini")),
        ]
    };
    let mini = Some(["0.00000075", "0.0000045", "0.000000075"]);
    check("groq", &openai("api.openai.com"), mini);
    check("groq", &openai("API.OpenAI.com"), mini);
    check("groq", &openai("eu.api.openai.com"), None);
}

#[test]
fn electricity_is_counted_where_its_price_and_the_watts_are_written() {
    let config = parse_sound(&[
        ("/kwh_price", json!(0.32)),
        ("/targets/home/watts", json!(65)),
    ]);
    let price = config.kwh_price.unwrap();
    assert_eq!(price.to_string(), "0.32");
    assert_eq!(config.target("home").unwrap().watts, Some(65));
    assert_eq!(parse_sound(&[]).kwh_price, None);
}

#[test]
fn a_route_is_a_list_or_a_table_with_a_list() {
    let config = parse_sound(&[("/routes/home", json!({ "targets": ["home", "groq"] }))]);
    let names = |route: &str| -> Vec<&str> {
        let order = config.routes[route].targets.iter();
        order.map(|at| config.targets[*at].name.as_str()).collect()
    };
    assert_eq!(names("auto"), ["groq", "home"]);
    assert_eq!(names("home"), ["home", "groq"]);
}
