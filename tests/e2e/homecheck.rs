//! `npm run home -- --check`: what it says of a sound box, and of each thing that can be wrong.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::homebox::HomeBox;
use crate::homesetup::npm_run_home;
use crate::leash::Leash;
use crate::tools;
use crate::upstream::{PATIENCE, Reply, Seen, Upstream};
use crate::wire;

const TOKEN: [&str; 2] = ["abc.access", "cfast_secret"];
const LOGIN: &str = "https://team.cloudflareaccess.com/cdn-cgi/access/login/ollama.example.com";

/// A box as it should be: Access, the ingress and Ollama, in one.
fn sound(seen: &Seen) -> Reply {
    let has_token = seen.head.header("cf-access-client-id") == Some(TOKEN[0])
        && seen.head.header("cf-access-client-secret") == Some(TOKEN[1]);
    if has_token {
        ingress(seen)
    } else {
        wire::page(403, &[], "<title>Forbidden</title>")
    }
}

fn ingress(seen: &Seen) -> Reply {
    match path(seen) {
        "/api/chat" => said_in_time(),
        "/api/ps" => loaded(8192),
        "/api/tags" => models(&json!([{ "name": "llama3.2:latest" }])),
        "/api/version" => wire::api(200, &json!({ "version": "0.32.15" })),
        _ => Reply::whole(404, &[], ""),
    }
}

fn path(seen: &Seen) -> &str {
    seen.head.word(1)
}

fn loaded(window: u32) -> Reply {
    let model = json!({ "name": "llama3.2:latest", "context_length": window });
    wire::api(200, &json!({ "models": [model] }))
}

fn models(list: &Value) -> Reply {
    wire::api(200, &json!({ "models": list }))
}

const WORDS: [&str; 8] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight",
];

/// Words as they are written.
fn said_in_time() -> Reply {
    let said = WORDS.iter().fold(wire::ollama_said(&[]), |reply, word| {
        let line = wire::line(&wire::ollama_word(word));
        reply.chunk(&line).pause(Duration::from_millis(25))
    });
    said.chunk(&done()).end()
}

/// All the words at once, after they were written.
fn said_in_a_lump() -> Reply {
    let lines = WORDS.map(|word| wire::line(&wire::ollama_word(word)));
    let all = lines.concat() + &done();
    wire::ollama_said(&[])
        .pause(Duration::from_millis(200))
        .chunk(&all)
        .end()
}

fn done() -> String {
    wire::line(&wire::ollama_done(""))
}

/// What is said of a box at this address that is to be held to what a public one must have.
fn check_public(url: &str) -> Result<String, String> {
    let words = [
        "--check",
        url,
        "--model",
        "llama3.2",
        "--context",
        "8192",
        "--public",
    ];
    npm_run_home(&words, TOKEN)
}

#[test]
fn a_sound_box_behind_access_gets_ticks_alone() {
    let upstream = Upstream::answering(sound);

    let told = check_public(&upstream.url()).unwrap();

    assert!(!told.contains('✗') && !told.contains('–'), "{told}");
    for name in [
        "reachable",
        "host",
        "access",
        "paths",
        "model",
        "answer",
        "streaming",
        "window",
    ] {
        assert!(told.contains(&format!("✓ {name}")), "{name}: {told}");
    }
    assert!(!told.contains(TOKEN[1]), "the secret is not printed");
    let seen = upstream.seen();
    let lines: Vec<String> = seen.iter().map(Seen::line).collect();
    for line in [
        "DELETE /api/delete",
        "POST /api/pull",
        "DELETE /api/chat/../delete",
        "DELETE /api/chat%2f..%2fdelete",
        "POST //api/chat",
    ] {
        assert!(
            lines.iter().any(|seen| seen == line),
            "{line}, letter for letter: {lines:?}"
        );
    }
    let with_words = seen.iter().filter(|seen| !seen.body.is_empty());
    let with_words: Vec<&Seen> = with_words.collect();
    assert_eq!(
        with_words.len(),
        1,
        "what could do harm is asked with an empty body"
    );
    let question = with_words[0].json();
    assert_eq!(with_words[0].line(), "POST /api/chat");
    assert_eq!(question["options"]["num_ctx"], 8192, "as the gateway asks");
}

/// Something that is wrong: its name, what the box does, what is crossed, and the advice.
struct Wrong(&'static str, fn(&Seen) -> Reply, &'static [&'static str]);

const WRONGS: &[Wrong] = &[
    Wrong(
        "the host is refused",
        |_| Reply::whole(403, &[], ""),
        &["✗ host", "httpHostHeader"],
    ),
    Wrong(
        "the token is refused",
        |_| wire::page(403, &[], "<title>Forbidden</title>"),
        &["✗ reachable", "Service Auth"],
    ),
    Wrong(
        "a login is asked for",
        |_| wire::page(302, &[("location", LOGIN)], ""),
        &["✗ reachable", "login", "Service Auth"],
    ),
    Wrong(
        "cloudflared is away",
        |_| wire::page(530, &[], "error code: 1033"),
        &["✗ reachable", "cloudflared is not connected"],
    ),
    Wrong(
        "Ollama is away",
        |_| wire::page(502, &[], "Bad gateway"),
        &["✗ reachable", "start Ollama"],
    ),
    Wrong(
        "no rule leads here",
        |_| Reply::whole(404, &[], ""),
        &["✗ reachable", "`hostname`"],
    ),
    Wrong(
        "it is a page",
        |_| wire::page(200, &[], "<title>Hi</title>"),
        &["✗ reachable", "no Ollama"],
    ),
    Wrong(
        "Access is missing",
        ingress,
        &["✗ access", "OPEN TO ALL: GET /api/version", "Service Auth"],
    ),
    Wrong(
        "Access is for one path",
        |seen| match path(seen) {
            "/api/chat" if seen.body.is_empty() => missing_body(),
            _ => sound(seen),
        },
        &["✗ access", "OPEN TO ALL: POST /api/chat"],
    ),
    Wrong(
        "there is no path rule",
        |seen| match path(seen) {
            "/api/pull" | "/api/delete" => missing_body(),
            _ => sound(seen),
        },
        &[
            "✗ paths",
            "POST /api/pull, DELETE /api/delete",
            "with ^ and $",
        ],
    ),
    Wrong(
        "the path rule is loose",
        |seen| match path(seen) {
            "/api/chat/../delete" => {
                Reply::whole(404, &[("content-type", "text/plain")], "404 page not found")
            }
            _ => sound(seen),
        },
        &["✗ paths", "DELETE /api/chat/../delete", "with ^ and $"],
    ),
    Wrong(
        "the model is missing",
        |seen| match path(seen) {
            "/api/tags" => models(&json!([{ "name": "gemma3:4b" }])),
            _ => sound(seen),
        },
        &["✗ model", "gemma3:4b", "`ollama pull llama3.2`", "– answer"],
    ),
    Wrong(
        "the model is elsewhere",
        |seen| match path(seen) {
            "/api/tags" => {
                models(&json!([{ "name": "llama3.2:latest", "remote_host": "https://ollama.com" }]))
            }
            _ => sound(seen),
        },
        &["✗ model", "it is not home", "OLLAMA_NO_CLOUD"],
    ),
    Wrong(
        "the list is shut",
        |seen| match path(seen) {
            "/api/tags" => Reply::whole(404, &[], ""),
            _ => sound(seen),
        },
        &["✗ model", "let /api/tags through"],
    ),
    Wrong(
        "the answer is held back",
        |seen| match path(seen) {
            "/api/chat" => said_in_a_lump(),
            _ => sound(seen),
        },
        &["✗ streaming", "must not buffer", "✓ window"],
    ),
    Wrong(
        "the model crashes",
        |seen| match path(seen) {
            "/api/chat" => wire::api(
                500,
                &json!({ "error": "llama-server process has terminated" }),
            ),
            _ => sound(seen),
        },
        &["✗ answer", "llama-server process has terminated"],
    ),
    Wrong(
        "the answer breaks off",
        |seen| match path(seen) {
            "/api/chat" => wire::ollama_said(&["one"]).reset(),
            _ => sound(seen),
        },
        &["✗ answer", "the connection ended"],
    ),
    Wrong(
        "the answer is not ended",
        |seen| match path(seen) {
            "/api/chat" => wire::ollama_said(&["one"]).end(),
            _ => sound(seen),
        },
        &["✗ answer", "before it was done"],
    ),
    Wrong(
        "the window is smaller",
        |seen| match path(seen) {
            "/api/ps" => loaded(4096),
            _ => sound(seen),
        },
        &["✗ window", "4096 tokens, not the 8192", "`context = 4096`"],
    ),
];

#[test]
fn whatever_is_wrong_with_a_box_is_crossed_with_what_mends_it() {
    for Wrong(name, answer, told) in WRONGS {
        let upstream = Upstream::answering(|seen| {
            let has_token = seen.head.header("cf-access-client-id").is_some();
            // One thing is wrong at a time: Access, or what is behind it.
            if has_token || name.starts_with("Access") {
                answer(seen)
            } else {
                sound(seen)
            }
        });

        let crossed = check_public(&upstream.url()).unwrap_err();

        assert_eq!(crossed.matches('✗').count(), 1, "{name}: {crossed}");
        for text in *told {
            assert!(crossed.contains(text), "{name}: {text}: {crossed}");
        }
        let deleted = upstream
            .seen()
            .iter()
            .any(|seen| seen.head.word(0) == "DELETE");
        assert_eq!(
            deleted,
            crossed.contains("✓ reachable"),
            "{name}: only an Ollama is asked that"
        );
    }
}

fn missing_body() -> Reply {
    wire::api(400, &json!({ "error": "missing request body" }))
}

#[test]
fn where_nothing_listens_it_says_so() {
    let crossed = npm_run_home(&["--check", &Upstream::nowhere()], ["", ""]).unwrap_err();

    assert!(
        crossed.contains("✗ reachable  nothing listens there"),
        "{crossed}"
    );
    assert!(crossed.contains("`ollama serve`"), "{crossed}");
}

#[test]
fn half_a_token_is_no_token() {
    let upstream = Upstream::answering(sound);

    let crossed = npm_run_home(&["--check", &upstream.url()], [TOKEN[0], ""]).unwrap_err();

    assert!(
        crossed.contains("✗ secrets    CF_ACCESS_CLIENT_SECRET not set"),
        "{crossed}"
    );
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_real_ollama_on_this_machine_is_sound_and_unharmed_but_would_not_do_in_public() {
    let Some(home) = HomeBox::start("a check of a real Ollama") else {
        return;
    };
    let url = home.target()["base_url"].as_str().unwrap().to_owned();
    let words = ["--check", &url, "--model", "smol", "--context", "2048"];

    let told = npm_run_home(&words, ["", ""]).unwrap();

    assert!(!told.contains('✗'), "{told}");
    for line in [
        "✓ reachable  Ollama ",
        "– access     needs no token",
        "– paths      ",
        "✓ model      smol is there",
        "✓ answer     ",
        "✓ window     2048 tokens",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }

    let crossed = npm_run_home(&[&words[..], &["--public"]].concat(), ["", ""]).unwrap_err();

    assert!(crossed.contains("✗ access     OPEN TO ALL"), "{crossed}");
    let paths = crossed
        .lines()
        .find(|line| line.contains("✗ paths"))
        .unwrap();
    for path in [
        "POST /api/pull",
        "DELETE /api/delete",
        "DELETE /api/chat/../delete",
        "POST //api/chat",
    ] {
        assert!(paths.contains(path), "{path}: {paths}");
    }
    assert!(
        crossed.contains("✓ model      smol is there"),
        "it still is: {crossed}"
    );
}

#[test]
fn the_boxes_of_a_config_are_looked_at_as_far_as_they_can_be() {
    let config = json!({ "targets": {
        "cloud": { "provider": "openai", "base_url": "https://api.example.com/v1", "model": "m" },
        "bound": { "provider": "ollama", "binding": "HOME", "model": "m", "home": true },
        "far": {
            "provider": "ollama", "base_url": "https://ollama.example.com", "model": "m", "home": true,
            "context": "auto", "access_id": "ID", "access_secret": "SECRET",
        },
        "near": { "provider": "ollama", "base_url": "http://192.168.1.9:11434", "model": "m", "home": true },
        "vllm": { "provider": "openai", "base_url": "http://box.lan:8000/v1", "model": "m", "home": true },
    } });
    let script = format!(
        "import {{ isPrivate, subjects }} from {};\n\
         const names = ['10.1.2.3', '[::1]', '[fd00::1]', 'localhost', 'box', 'box.local', '100.100.1.1',\n\
           '8.8.8.8', 'ollama.example.com', '[2001:db8::1]', '172.32.0.1'];\n\
         console.log(JSON.stringify([subjects({config}, {{ ID: 'a', SECRET: 'b' }}),\n\
           subjects({config}, {{ ID: 'a' }}), names.filter(isPrivate)]));",
        json!(format!("{}/scripts/home_check/subjects.mjs", tools::ROOT)),
    );
    let mut command = Command::new(tools::node());
    command.args(["--input-type=module", "-e", &script]);

    let printed = Leash::start(&command).finish(PATIENCE).unwrap();

    let printed: Value = serde_json::from_str(&printed).unwrap();
    let boxes = printed[0].as_array().unwrap();
    let names: Vec<&str> = boxes
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bound", "far", "near", "vllm"]);
    assert!(
        boxes[0]["why"]
            .as_str()
            .unwrap()
            .contains("only the Worker")
    );
    assert_eq!(boxes[1]["isPublic"], true);
    assert_eq!(boxes[1]["context"], "auto");
    assert_eq!(
        boxes[1]["headers"],
        json!({ "cf-access-client-id": "a", "cf-access-client-secret": "b" })
    );
    assert_eq!(boxes[2]["isPublic"], false);
    assert!(boxes[3]["why"].as_str().unwrap().contains("no Ollama"));
    assert_eq!(printed[1][1]["missing"], json!(["SECRET"]));
    let near = [
        "10.1.2.3",
        "[::1]",
        "[fd00::1]",
        "localhost",
        "box",
        "box.local",
        "100.100.1.1",
    ];
    assert_eq!(printed[2], json!(near));
}
