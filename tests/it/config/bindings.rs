//! Targets that are reached by a binding in place of an address.

use pilotlight::config::{self, Config, Environment, Mistake, Way};
use serde_json::{Value, json};

use super::{check_told, with};

/// The sound config with a home that is reached by `HOME`, and this changed in its table.
fn behind_binding(changes: &Value) -> Value {
    let mut home = json!({ "provider": "ollama", "binding": "HOME", "model": "m", "home": true });
    home.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    with(&[("/targets/home", home)])
}

/// Reads it where every secret is set and these services are bound.
fn parse(config: &Value, services: &[&str]) -> Result<Config, Vec<Mistake>> {
    let environment = Environment {
        secret: &|name| (name != "PILOTLIGHT_KEYS").then(|| format!("the-{name}")),
        bound: &|name| services.contains(&name),
    };
    config::parse_in(&config.to_string(), &environment)
}

#[test]
fn a_target_is_reached_by_a_binding_in_place_of_an_address() {
    let check = |changes: Value, url: &str, company: &str| {
        let config = parse(&behind_binding(&changes), &["HOME"]).unwrap();
        let home = config.target("home").unwrap();
        assert_eq!(home.way, Way::Binding("HOME".to_owned()));
        assert_eq!((home.url.as_str(), home.company.name), (url, company));
        assert!(home.access.is_none());
        assert_eq!(config.target("groq").unwrap().way, Way::Public);
    };
    let chat = "http://localhost/api/chat";
    let completions = "http://localhost/v1/chat/completions";
    check(json!({}), chat, "compatible");
    check(json!({ "base_url": null }), chat, "compatible");
    let openai = || json!({ "provider": "openai" });
    check(openai(), completions, "compatible");
    let mut groqs = openai();
    groqs["company"] = json!("groq");
    check(groqs, completions, "groq");
}

#[test]
fn a_target_has_one_way_and_no_more() {
    let check = |changes: Value, expected: &[(&str, &str)]| {
        check_told(parse(&behind_binding(&changes), &["HOME"]), expected);
    };
    check(
        json!({ "base_url": "http://127.0.0.1:11434" }),
        &[("targets.home.binding", "one of the two")],
    );
    check(
        json!({ "base_url": "127.0.0.1:11434" }),
        &[
            ("targets.home.binding", "one of the two"),
            ("targets.home.base_url", "http:// or https://"),
        ],
    );
    check(
        json!({ "binding": null }),
        &[("targets.home.base_url", "is missing: it should be a URL")],
    );
    check(
        json!({ "binding": null }),
        &[("targets.home.base_url", "`binding`")],
    );
    check(
        json!({ "access_id": "CF_ID", "access_secret": "CF_SECRET" }),
        &[
            ("targets.home.access_id", "no Cloudflare Access"),
            ("targets.home.access_secret", "no Cloudflare Access"),
        ],
    );
    check(
        json!({ "company": "groq" }),
        &[("targets.home.company", "means nothing to provider")],
    );
}

#[test]
fn a_binding_is_a_name_and_anything_else_is_told_and_not_repeated() {
    let long = "a1".repeat(32);
    for pasted in [
        "",
        "MY HOME",
        "MY-HOME",
        "9LIVES",
        "http://box",
        "sk-proj-abc",
        &long,
    ] {
        let told = parse(&behind_binding(&json!({ "binding": pasted })), &["HOME"]);
        let text = format!("{told:?}");
        assert!(pasted.is_empty() || !text.contains(pasted), "{text}");
        check_told(told, &[("targets.home.binding", "letters, digits and _")]);
    }
    let told = parse(&behind_binding(&json!({ "binding": 5 })), &["HOME"]);
    check_told(told, &[("targets.home.binding", "such as \"HOME\"")]);
    let known = with(&[("/targets/home/bindng", json!("HOME"))]);
    check_told(
        parse(&known, &[]),
        &[("targets.home.bindng", "did you mean \"binding\"?")],
    );
}

#[test]
fn a_service_that_is_not_bound_leaves_a_sound_target_that_cannot_be_asked() {
    let config = parse(&behind_binding(&json!({})), &["OTHER"]).unwrap();
    let home = config.target("home").unwrap();
    assert_eq!(home.way, Way::Missing("HOME".to_owned()));
}

#[test]
fn a_config_whose_every_target_lacks_something_says_what() {
    let config = behind_binding(&json!({}));
    let unset = |config: &Value| config::parse(&config.to_string(), &|_| None);
    let told = unset(&config);
    check_told(told, &[("targets", "no target that can be asked, because")]);
    let problem = unset(&config).unwrap_err().remove(0).problem;
    for part in [
        "secrets are not set: GROQ_API_KEY",
        "npx wrangler secret put GROQ_API_KEY",
        "no service is bound under these names: HOME",
        "[[vpc_services]], binding = \"HOME\"",
    ] {
        assert!(problem.contains(part), "{part} is not in {problem}");
    }
    let alone = json!({
        "targets": { "home": config["targets"]["home"] },
        "routes": { "auto": ["home"] },
    });
    let problem = unset(&alone).unwrap_err().remove(0).problem;
    assert!(!problem.contains("secrets"), "{problem}");
    assert!(parse(&alone, &["HOME"]).is_ok());
}
