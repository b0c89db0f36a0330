//! Credentials: the providers', by the names of their secrets, and the callers' keys.
//!
//! Every case with a credential in it also asserts that no message repeats it.

use pilotlight::config::{self, Key, Mistake};
use serde_json::{Value, json};

use super::{check_told, parse, sound, with};

/// A credential that must never be seen in a message.
const SECRET: &str = "gsk_0123456789abcdef";

/// The sound config with a home that is behind Cloudflare Access.
fn behind_access() -> Value {
    with(&[
        ("/targets/home/access_id", json!("CF_ID")),
        ("/targets/home/access_secret", json!("CF_SECRET")),
    ])
}

/// A world where every secret of a provider is set, to its own name.
fn all_set(name: &str) -> Option<String> {
    (name != "PILOTLIGHT_KEYS").then(|| format!("the-{name}\n"))
}

#[test]
fn a_pasted_credential_is_told_and_not_repeated() {
    let check = |pointer: &str, value: Value, pasted: &str, expected: (&str, &str)| {
        let mut config = behind_access();
        *config.pointer_mut(pointer).unwrap() = value;
        let parse = || config::parse(&config.to_string(), &all_set);
        check_told(parse(), &[expected]);
        let told = format!("{:?}", parse().unwrap_err());
        assert!(pasted.is_empty() || !told.contains(pasted), "{told}");
    };
    for pasted in [SECRET, "sk-proj-abc", "not a name", "9LIVES", ""] {
        for (target, name) in [
            ("groq", "key"),
            ("home", "access_id"),
            ("home", "access_secret"),
        ] {
            let pointer = format!("/targets/{target}/{name}");
            let path = format!("targets.{target}.{name}");
            let expected = (path.as_str(), "the name of a secret, such as");
            check(&pointer, json!(pasted), pasted, expected);
        }
    }
    let provider = ("targets.groq.provider", "no provider");
    check("/targets/groq/provider", json!(SECRET), SECRET, provider);
    let route = ("routes.auto[0]", "no target");
    check("/routes/auto", json!([SECRET]), SECRET, route);
    let home = ("targets.home.home", "false or true");
    check("/targets/home/home", json!(SECRET), SECRET, home);
}

#[test]
fn a_secret_is_there_or_known_to_be_missing() {
    let check = |secret: &dyn Fn(&str) -> Option<String>, groq: &str, home: &str| {
        let config = config::parse(&behind_access().to_string(), secret).unwrap();
        let state = |name: &str| match &config.target(name).unwrap().key {
            Key::None => "none".to_owned(),
            Key::Missing(name) => format!("missing {name}"),
            Key::Present(secret) => format!("present {}", secret.expose()),
        };
        assert_eq!(
            (state("groq").as_str(), state("home").as_str()),
            (groq, home)
        );
    };
    check(&all_set, "present the-GROQ_API_KEY", "none");
    let blank = |name: &str| {
        (name == "CF_ID")
            .then(|| " \n".to_owned())
            .or(all_set(name))
    };
    check(&blank, "present the-GROQ_API_KEY", "missing CF_ID");
    let halved = |name: &str| all_set(name).filter(|_| name != "CF_SECRET");
    check(&halved, "present the-GROQ_API_KEY", "missing CF_SECRET");
    let no_key = |name: &str| all_set(name).filter(|_| name != "GROQ_API_KEY");
    check(&no_key, "missing GROQ_API_KEY", "none");

    let config = config::parse(&behind_access().to_string(), &all_set).unwrap();
    let home = config.target("home").unwrap();
    let (id, secret) = home.access.as_ref().unwrap();
    assert_eq!(
        (id.expose(), secret.expose()),
        ("the-CF_ID", "the-CF_SECRET")
    );
}

#[test]
fn a_config_whose_every_target_lacks_its_secret_says_how_to_set_one() {
    let told = parse(&behind_access());
    check_told(told, &[("targets", "CF_ID, CF_SECRET, GROQ_API_KEY")]);
    let told = parse(&behind_access()).unwrap_err();
    for part in ["npx wrangler secret put", ".dev.vars"] {
        assert!(told[0].problem.contains(part), "{told:?}");
    }
}

#[test]
fn a_secret_that_could_not_be_sent_is_told_and_not_repeated() {
    let broken = |name: &str| all_set(name).map(|_| format!("{SECRET}\n{SECRET}"));
    let told = config::parse(&sound().to_string(), &broken);
    assert!(!format!("{told:?}").contains(SECRET), "{told:?}");
    check_told(
        told,
        &[
            ("PILOTLIGHT_ADMIN_KEY", "cannot travel in a header"),
            ("targets.groq.key", "wrangler secret put GROQ_API_KEY"),
        ],
    );
}

/// What is read from `PILOTLIGHT_KEYS`, or what is told of it.
fn keys(text: &str) -> Result<Vec<(String, String)>, Vec<Mistake>> {
    let secret = |name: &str| (name == "PILOTLIGHT_KEYS").then(|| text.to_owned());
    let config = config::parse(&sound().to_string(), &secret)?;
    let exposed = |(name, key): (String, config::Secret)| (name, key.expose().to_owned());
    Ok(config.keys.into_iter().map(exposed).collect())
}

#[test]
fn callers_keys_are_pairs_and_a_bare_key_is_named_by_its_place() {
    let check = |text: &str, expected: &[(&str, &str)]| {
        let keys = keys(text).unwrap();
        let keys: Vec<_> = keys
            .iter()
            .map(|(name, key)| (name.as_str(), key.as_str()))
            .collect();
        assert_eq!(keys, expected, "{text}");
    };
    let [a, b, c] = [
        "0123456789abcdef",
        "fedcba9876543210",
        "MDEyMzQ1Njc4OWFiY2Q=",
    ];
    check("", &[]);
    check(" \n", &[]);
    check(a, &[("key1", a)]);
    check(&format!("alice={a}"), &[("alice", a)]);
    check(&format!("alice={a}, bob={b}"), &[("alice", a), ("bob", b)]);
    check(&format!("alice={a}\n{b},"), &[("alice", a), ("key2", b)]);
    check(
        &format!("alice={a},alice={b}"),
        &[("alice", a), ("alice", b)],
    );
    check(&format!("alice={c}"), &[("alice", c)]);
}

#[test]
fn a_bad_callers_key_is_told_by_its_place_and_not_repeated() {
    let check = |text: &str, part: &str| {
        let told = keys(text).unwrap_err();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].path, "PILOTLIGHT_KEYS");
        assert!(told[0].problem.contains(part), "{told:?}");
        for word in text.split([',', '=']).filter(|word| word.len() > 5) {
            assert!(!told[0].problem.contains(word), "{told:?}");
        }
    };
    let short = "has a key of fewer than 16 characters";
    let sound = "a=0123456789abcdef";
    check(",", "holds no key");
    check("alice=0123456789abcde", &format!("entry 1 {short}"));
    check(&format!("{sound},hunter2"), &format!("entry 2 {short}"));
    check(
        &format!("{sound},MDEyMzQ1Njc4OWFiY2Q="),
        "entry 2 has no key after its '='",
    );
    check("alicia=", "entry 1 has no key after its '='");
    check("=0123456789abcdef", "entry 1 has a name that is none");
    check("élodie=0123456789abcdef", "entry 1 has a name that is none");
    check("a=0123456789äbcdef", "entry 1 has a key with a character");
    check(
        &format!("{sound},b=0123456789abcdef"),
        "entry 2 is the same key as entry 1",
    );
}
