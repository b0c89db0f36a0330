//! `npm run home`: the files that it writes for a box, read by what will read them there.

use std::fs;
use std::path::Path;
use std::process::Command;

use pilotlight::config;
use serde_json::{Value, json};

use crate::gateway::TemporaryFolder;
use crate::leash::Leash;
use crate::tools::{self, INGRESS, PYTHON};
use crate::upstream::PATIENCE;

const NAME: [&str; 2] = ["--hostname", "ollama.example.com"];
const UUID: &str = "6ff42ae2-765d-4adf-8112-31c55c1551ef";
/// A tag that YAML would take for a number where it is not quoted.
const TAG: &str = "1234567890123456789012345678901234567890123456789012345678901e10";

/// What the script prints, whether it ends well or not.
pub(crate) fn npm_run_home(words: &[&str], secrets: [&str; 2]) -> Result<String, String> {
    let mut command = Command::new(tools::node());
    command
        .arg(Path::new(tools::ROOT).join("scripts/home.mjs"))
        .args(words)
        .env("CF_ACCESS_CLIENT_ID", secrets[0])
        .env("CF_ACCESS_CLIENT_SECRET", secrets[1]);
    Leash::start(&command).finish(PATIENCE * 4)
}

/// The folder with what is written for these options.
fn written(words: &[&str]) -> TemporaryFolder {
    let folder = TemporaryFolder::new();
    run_into(&folder, words).unwrap();
    folder
}

fn run_into(folder: &TemporaryFolder, words: &[&str]) -> Result<String, String> {
    let out = ["--out", folder.0.to_str().unwrap()];
    npm_run_home(&[words, &out].concat(), ["", ""])
}

fn read(folder: &TemporaryFolder, name: &str) -> String {
    fs::read_to_string(folder.0.join(name)).unwrap()
}

/// What cloudflared reads out of a `config.yml`, and which rule each URL meets.
fn ingress(program: &Path, folder: &TemporaryFolder, urls: &[String]) -> Value {
    let file = folder.0.join("config.yml");
    let ran = Command::new(program).arg(file).args(urls).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Paths of requests, and whether they are to come through to Ollama.
const PATHS: &[(&str, bool)] = &[
    ("/api/chat", true),
    ("/api/ps", true),
    ("/api/tags", true),
    ("/api/version", true),
    ("/api/chat?x=1", true),
    ("/", false),
    ("//api/chat", false),
    ("/API/chat", false),
    ("/api/blobs/sha256:0", false),
    ("/api/chat%0a", false),
    ("/api/chat%0a/api/delete", false),
    ("/api/chat%2f..%2fdelete", false),
    ("/api/chat/", false),
    ("/api/chat/../delete", false),
    ("/api/chat;/../delete", false),
    ("/api/chatx", false),
    ("/api/copy", false),
    ("/api/create", false),
    ("/api/delete", false),
    ("/api/delete%0a/api/chat", false),
    ("/api/delete/../chat", false),
    ("/api/generate", false),
    ("/api/pull", false),
    ("/api/push", false),
    ("/api/show", false),
    ("/api/signout", false),
    ("/v1/chat/completions", false),
    ("/xapi/chat", false),
];

#[test]
fn the_tunnel_lets_through_what_the_gateway_asks_for_and_nothing_else() {
    let Some([program]) = tools::need("the rules of config.yml", [INGRESS]) else {
        return;
    };
    let folder = written(&NAME);
    let here = PATHS
        .iter()
        .map(|(path, _)| url("ollama.example.com", path));
    let elsewhere = PATHS.iter().map(|(path, _)| url("other.example.com", path));
    let urls: Vec<String> = here.chain(elsewhere).collect();

    let answer = ingress(&program, &folder, &urls);

    assert_eq!(answer["mistakes"], json!([]));
    let rules = answer["rules"].as_array().unwrap();
    for (at, asked) in urls.iter().enumerate() {
        let wanted = PATHS.get(at).is_some_and(|(_, wanted)| *wanted);
        assert_eq!(rules[at] == 0, wanted, "{asked}: rule {}", rules[at]);
    }
    agree_with_cloudflared(&folder, &urls, rules);
}

fn url(host: &str, path: &str) -> String {
    format!("https://{host}{path}")
}

/// Asks cloudflared itself, where there is one.
fn agree_with_cloudflared(folder: &TemporaryFolder, urls: &[String], rules: &[Value]) {
    let ask = |words: &[&str]| {
        let file = folder.0.join("config.yml");
        let mut command = Command::new("cloudflared");
        command.args(["tunnel", "--config"]).arg(file);
        let ran = command.arg("ingress").args(words).output().ok()?;
        assert!(ran.status.success(), "{ran:?}");
        Some(String::from_utf8(ran.stdout).unwrap())
    };
    let Some(validated) = ask(&["validate"]) else {
        tools::say("NOT RUN: cloudflared's own word on its config.yml: it is not on the PATH");
        return;
    };
    assert!(validated.trim_end().ends_with("OK"), "{validated}");
    for (asked, rule) in urls.iter().zip(rules) {
        let said = ask(&["rule", asked]).unwrap();
        assert!(
            said.contains(&format!("Matched rule #{rule}\n")),
            "{asked}: {said}"
        );
    }
}

#[test]
fn every_config_that_is_written_has_only_keys_and_values_that_cloudflared_knows() {
    let Some([program]) = tools::need("the keys of config.yml", [INGRESS]) else {
        return;
    };
    let more = [
        "--tunnel", UUID, "--team", "123", "--aud", TAG, "--port", "8080", "--os",
    ];
    for system in ["linux", "macos", "windows", "wsl2"] {
        let folder = written(&[&NAME[..], &more, &[system]].concat());

        let answer = ingress(&program, &folder, &[]);

        assert_eq!(answer["mistakes"], json!([]), "{system}");
        let config = &answer["config"];
        assert_eq!(config["Tunnel"], UUID);
        let credentials = config["CredentialsFile"].as_str().unwrap();
        assert!(
            credentials.ends_with(&format!("{UUID}.json")),
            "{credentials}"
        );
        assert_eq!(credentials.starts_with("C:\\"), system == "windows");
        let rule = &config["Ingress"][0];
        assert_eq!(rule["Hostname"], "ollama.example.com");
        assert_eq!(rule["Service"], "http://127.0.0.1:8080");
        let origin = &rule["OriginRequest"];
        assert_eq!(origin["HTTPHostHeader"], "localhost:8080");
        assert_eq!(origin["ConnectTimeout"], 5_000_000_000_u64);
        let guard = &origin["Access"];
        assert_eq!(guard["Required"], true);
        assert_eq!(guard["TeamName"], "123");
        assert_eq!(guard["AudTag"], json!([TAG]));
        assert_eq!(config["Ingress"][1]["Service"], "http_status:404");
    }
}

#[test]
fn with_a_vpc_binding_no_name_leads_to_the_box() {
    let folder = written(&["--vpc", "--tunnel", UUID, "--os", "linux"]);

    let steps = read(&folder, "NEXT-STEPS.md");
    assert!(steps.contains(&format!(
        "--tunnel-id {UUID} --ipv4 127.0.0.1 --http-port 11434"
    )));
    assert!(
        !steps.contains("route dns") && !steps.contains("Service Auth"),
        "{steps}"
    );
    let wrangler: toml::Value = toml::from_str(&read(&folder, "wrangler.snippet.toml")).unwrap();
    let service = &wrangler["vpc_services"][0];
    let target = &wrangler["vars"]["PILOTLIGHT"]["targets"]["home"];
    assert_eq!(target["binding"], service["binding"]);
    assert!(target.get("base_url").is_none() && target.get("access_id").is_none());
    let Some([program]) = tools::need("config.yml for a VPC binding", [INGRESS]) else {
        return;
    };
    let answer = ingress(&program, &folder, &[url("ollama.example.com", "/api/chat")]);
    assert_eq!(answer["mistakes"], json!([]));
    assert_eq!(answer["config"]["Protocol"], "quic");
    assert_eq!(answer["config"]["Ingress"][0]["Service"], "http_status:404");
}

#[test]
fn the_reader_of_configs_sees_what_is_wrong_with_one() {
    let Some([program]) = tools::need("what is wrong with a config.yml", [INGRESS]) else {
        return;
    };
    let sound = read(&written(&NAME), "config.yml");
    let wrongs = [
        ("httpHostHeader", "httpHostheader", "httpHostheader"),
        ("credentials-file", "credentials_file", "credentials_file"),
        ("connectTimeout: 5s", "connectTimeout: five", "five"),
        ("  - service: http_status:404", "  #", "the last rule"),
        (
            "http://127.0.0.1:11434",
            "http://127.0.0.1:11434/api",
            "no address",
        ),
        ("(chat|", "((chat|", "missing closing"),
        ("ollama.example.com", "ollama.example.com:443", "no port"),
    ];
    for (right, wrong, told) in wrongs {
        let folder = TemporaryFolder::new();
        // The last of them: comments name some of these words too.
        let (before, after) = sound.rsplit_once(right).unwrap();
        fs::write(folder.0.join("config.yml"), [before, wrong, after].concat()).unwrap();

        let mistakes = ingress(&program, &folder, &[])["mistakes"].to_string();

        assert!(mistakes.contains(told), "{wrong}: {mistakes}");
    }
    let folder = TemporaryFolder::new();
    let loose = sound.replace("'^/api/", "'/api/").replace(")$'", ")'");
    fs::write(folder.0.join("config.yml"), loose).unwrap();
    let urls = ["/x/api/chat", "/api/chat/../delete"].map(|path| url("ollama.example.com", path));
    assert_eq!(
        ingress(&program, &folder, &urls)["rules"],
        json!([0, 0]),
        "both come through"
    );
}

#[test]
fn the_gateway_takes_the_lines_for_its_target() {
    let words = [
        "--model",
        "hf.co/someone/a-model:Q4_K_M",
        "--context",
        "32768",
    ];
    let folder = written(&[&NAME[..], &words].concat());

    let wrangler: toml::Value = toml::from_str(&read(&folder, "wrangler.snippet.toml")).unwrap();

    let mut config = serde_json::to_value(&wrangler["vars"]["PILOTLIGHT"]).unwrap();
    config["routes"] = json!({ "auto": ["home"] });
    let parsed = config::parse(&config.to_string(), &|name| {
        name.starts_with("CF_ACCESS").then(|| "a secret".to_owned())
    });
    let parsed = parsed.unwrap();
    let target = &parsed.targets[0];
    assert_eq!(target.name, "home");
    assert_eq!(target.model, "hf.co/someone/a-model:Q4_K_M");
    assert_eq!(target.context, config::Context::Tokens(32_768));
    assert!(read(&folder, "ollama.conf").contains("\"OLLAMA_CONTEXT_LENGTH=32768\""));
}

#[test]
fn the_lock_is_put_on_before_the_name_leads_anywhere() {
    for system in ["linux", "macos", "windows", "wsl2"] {
        let folder = written(&[&NAME[..], &["--tunnel", UUID, "--os", system]].concat());
        let steps = read(&folder, "NEXT-STEPS.md");
        let order = [
            "ollama pull llama3.2",
            "**Service Auth**",
            "ingress validate",
            "route dns 6ff42ae2-765d-4adf-8112-31c55c1551ef ollama.example.com",
            "service install",
            "wrangler secret put CF_ACCESS_CLIENT_SECRET",
            "--check https://ollama.example.com --model llama3.2 --context 8192",
        ];
        let found = order.map(|text| {
            steps
                .find(text)
                .unwrap_or_else(|| panic!("{text}: {steps}"))
        });
        assert!(found.is_sorted(), "{system}: {found:?} in {steps}");
    }
}

#[test]
fn each_system_gets_ollamas_settings_in_its_own_form() {
    let at_port = |system| written(&[&NAME[..], &["--port", "8080", "--os", system]].concat());
    for (system, name, line) in [
        (
            "linux",
            "ollama.conf",
            "Environment=\"OLLAMA_HOST=127.0.0.1:8080\"",
        ),
        (
            "wsl2",
            "ollama.conf",
            "Environment=\"OLLAMA_KEEP_ALIVE=30m\"",
        ),
        (
            "windows",
            "ollama-settings.ps1",
            "[Environment]::SetEnvironmentVariable(\"OLLAMA_NUM_PARALLEL\", \"1\", \"User\")",
        ),
        ("wsl2", "ollama-settings.ps1", "SetEnvironmentVariable"),
    ] {
        let text = read(&at_port(system), name);
        assert!(text.contains(line), "{system}: {text}");
        let steps = read(&at_port(system), "NEXT-STEPS.md");
        assert!(steps.contains("127.0.0.1:8080"), "`ollama pull`: {steps}");
    }
    let Some([python]) = tools::need("launchd's file", [PYTHON]) else {
        return;
    };
    let folder = at_port("macos");
    let program =
        "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let file = folder.0.join("pilotlight.ollama-settings.plist");
    let ran = Command::new(python)
        .args(["-c", program])
        .arg(file)
        .output()
        .unwrap();
    let agent: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(agent["Label"], "pilotlight.ollama-settings");
    assert_eq!(agent["RunAtLoad"], true);
    let script = agent["ProgramArguments"][2].as_str().unwrap();
    assert!(
        script.contains("launchctl setenv OLLAMA_CONTEXT_LENGTH 8192; "),
        "{script}"
    );
}

#[test]
fn a_file_that_was_changed_is_not_written_over_unasked() {
    let folder = written(&NAME);
    let again = run_into(&folder, &NAME).unwrap();
    assert_eq!(again.matches("unchanged").count(), 4, "{again}");
    fs::write(folder.0.join("config.yml"), "mine").unwrap();
    let other = [&NAME[..], &["--model", "other"]].concat();

    let refused = run_into(&folder, &other).unwrap_err();

    assert!(
        refused.contains("config.yml") && refused.contains("--force"),
        "{refused}"
    );
    assert_eq!(read(&folder, "config.yml"), "mine");
    assert!(
        !read(&folder, "wrangler.snippet.toml").contains("other"),
        "none is written"
    );
    let forced = run_into(&folder, &[&other[..], &["--force"]].concat()).unwrap();
    assert!(forced.contains("replaced"), "{forced}");
    assert!(read(&folder, "config.yml").contains("ollama.example.com"));
}

#[test]
fn a_slip_of_the_pen_is_named_with_what_would_be_right() {
    let folder = TemporaryFolder::new();
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["--hostnme", "a.example.com"],
            &["--hostnme", "--hostname"],
        ),
        (
            &["--hostname", "https://a.example.com"],
            &["without https://"],
        ),
        (&["--hostname", "a.example.com:443"], &["--port"]),
        (&["--hostname", "*.example.com"], &["wildcard"]),
        (&["--hostname", "ollama"], &["ollama.example.com"]),
        (&["--hostname"], &["--hostname <name>"]),
        (&[], &["--hostname ollama.example.com", "--vpc"]),
        (
            &["--port", "0", "--tunnel", "box"],
            &["1 to 65535", "\"box\"", "tunnel list"],
        ),
        (
            &["--os", "beos"],
            &["\"beos\"", "linux, macos, windows, wsl2"],
        ),
        (&["--aud", "f00"], &["64 characters"]),
        (&["--team", "us.cloudflareaccess.com"], &["alone: us"]),
        (
            &["--hostname", "a.example.com", "--team", "us"],
            &["--aud <tag>"],
        ),
        (
            &["--vpc", "--hostname", "a.example.com"],
            &["--hostname has no meaning with --vpc"],
        ),
        (&["--context", "8k"], &["256 to 10000000"]),
        (
            &["--check", "ollama.example.com"],
            &["https://ollama.example.com"],
        ),
        (
            &["--check", "https://a.example.com/api/chat"],
            &["alone: https://a.example.com"],
        ),
        (
            &["--check", "--tunnel", UUID],
            &["--tunnel has no meaning with --check"],
        ),
        (&["--check", "--model", "m"], &["--check <url>"]),
        (&["--public"], &["belongs to --check"]),
    ];
    for (words, told) in cases {
        let slipped = if words.contains(&"--check") {
            npm_run_home(words, ["", ""])
        } else {
            run_into(&folder, words)
        };

        let refused = slipped.unwrap_err();
        for text in *told {
            assert!(refused.contains(text), "{words:?}: {refused}");
        }
        assert!(!refused.contains("    at "), "no stack trace: {refused}");
    }
    let left = fs::read_dir(&folder.0).unwrap().count();
    assert_eq!(left, 0, "nothing is written");
}
