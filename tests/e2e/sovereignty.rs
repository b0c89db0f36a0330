//! What is private stays at home, in everything that can happen to a request but a fault of the matrix
//! (`matrix::private`): the clouds of its route, before the homes and after them, are not asked, and
//! nobody hears of a word of it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::{Answer, Request, Streamed};
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::homebox::HomeBox;
use crate::kv::{Kv, Manner};
use crate::upstream::{Gate, Reply, Seen, Upstream};
use crate::wire;

/// A word of the prompt that nobody but a home may hear.
const SECRET: &str = "rutabaga";

/// A word that only clouds say.
const CLOUDY: &str = "Cumulonimbus";

/// The clouds of a route: one that is asked before the homes, and one after them.
struct Clouds([Upstream; 2]);

impl Clouds {
    fn new() -> Self {
        Self([(); 2].map(|()| {
            Upstream::answering(|seen| {
                let asked: Value = serde_json::from_str(&seen.body).unwrap_or_default();
                if asked["stream"] == true {
                    wire::stream(&[CLOUDY, "."])
                } else {
                    wire::completion(CLOUDY)
                }
            })
        }))
    }

    /// A configuration with the homes between them, in the routes `auto`, `sky` (no homes) and
    /// `inside` (nothing else, and private).
    fn around(&self, homes: &[(&str, Value)]) -> Value {
        let [before, after] = &self.0;
        let hedged = with(cloud(before), json!({ "hedge_after": "100ms" }));
        let mut targets = vec![("before", hedged)];
        targets.extend(homes.iter().cloned());
        targets.push(("after", cloud(after)));
        let names: Vec<&str> = homes.iter().map(|(name, _)| *name).collect();
        let mut config = chain(&targets);
        config["routes"]["sky"] = json!(["before", "after"]);
        config["routes"]["inside"] = json!({ "targets": names, "privacy": "home" });
        config
    }

    /// Nobody has asked them for anything.
    fn are_unasked(&self) {
        for cloud in &self.0 {
            assert_eq!(cloud.count(), 0, "{:#?}", cloud.seen());
        }
    }

    /// The same question is theirs to answer without the header; that uses them up.
    fn answer_what_is_not_private(self, gateway: &Gateway, question: &Value) {
        self.are_unasked();
        let answer = gateway.chat(question);
        assert_eq!((answer.status, answer.text().as_str()), (200, CLOUDY));
        assert_eq!(self.0[0].count(), 1);
        assert!(self.0[0].only().body.contains(SECRET));
    }
}

fn question() -> Value {
    asking(&format!("Where is the {SECRET}?"))
}

fn private(question: &Value) -> Request {
    Request::chat(question).header("x-pilotlight-privacy", "home")
}

fn ask(gateway: &Gateway, question: &Value) -> Answer {
    gateway.send(&private(question)).whole()
}

fn ask_stream(gateway: &Gateway, question: &Value) -> Streamed {
    let question = with(question.clone(), json!({ "stream": true }));
    gateway.send(&private(&question)).streamed()
}

/// It was told that nobody at home could, and why: `target:outcome` of those at home.
fn unanswered(answer: &Answer, outcomes: &[&str]) {
    assert_eq!(answer.status, 503, "{answer:?}");
    let error = &answer.json()["error"];
    assert_eq!(error["code"], "private_unanswered", "{answer:?}");
    assert!(!answer.body.contains(CLOUDY) && !answer.body.contains(SECRET));
    let mut told = answer.attempts();
    told.retain(|told| !told.ends_with(":private"));
    assert_eq!(told, outcomes, "{answer:?}");
}

/// A llama.cpp at home.
fn llama(upstream: &Upstream) -> Value {
    with(cloud(upstream), json!({ "home": true }))
}

/// A home of two dialects that is asked once and then does as `reply` says.
fn homes(upstream: &Upstream) -> [Value; 2] {
    let once = |table| with(table, json!({ "attempts": 1 }));
    [once(home(upstream)), once(llama(upstream))]
}

const CHAT: &str = "POST /api/chat";
const TAGS: &str = "GET /api/tags";

/// An Ollama with these models that answers a chat by `chat`.
fn ollama(models: Value, chat: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Upstream {
    Upstream::answering(move |seen| match seen.line().as_str() {
        CHAT => chat(seen),
        _ => wire::api(200, &json!({ "models": models })),
    })
}

fn its_own() -> Value {
    json!([{ "name": "home-model:latest", "model": "home-model:latest" }])
}

fn chats(upstream: &Upstream) -> usize {
    let seen = upstream.seen();
    seen.iter()
        .filter(|seen| seen.head.word(0) == "POST")
        .count()
}

#[test]
fn a_hedge_and_a_second_chance_are_taken_at_home_alone() {
    let clouds = Clouds::new();
    let silent = Upstream::playing([Reply::new().hold()]);
    let quick = Upstream::playing([wire::completion("Quick.")]);
    let late = with(llama(&silent), json!({ "hedge_after": "100ms" }));
    let still = json!({ "stream_inside": false });
    let config = clouds.around(&[
        ("attic", with(late, still.clone())),
        ("cellar", with(llama(&quick), still)),
    ]);
    let gateway = Setup::new(config).start();
    let answer = ask(&gateway, &question());
    assert_eq!(answer.text(), "Quick.");
    clouds.are_unasked();

    // The only home breaks off; nobody else is left, and it goes on itself.
    let words = ["Under ", "the ", "old ", "oak."];
    let breaks = Upstream::playing([wire::said(&words[..3]).reset(), wire::stream(&words)]);
    let config = clouds.around(&[("attic", llama(&breaks))]);
    let gateway = Setup::new(config).start();
    let answer = ask_stream(&gateway, &question());
    assert_eq!(answer.text(), words.concat(), "{answer:?}");
    assert!(answer.done);
    assert_eq!(breaks.count(), 2);
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn a_stream_that_breaks_and_cannot_be_gone_on_with_at_home_ends_in_an_error() {
    let clouds = Clouds::new();
    let breaks = Upstream::playing([wire::said(&["Under ", "the ", "old "]).reset()]);
    let config = clouds.around(&[("attic", llama(&breaks))]);
    let gateway = Setup::new(config).start();
    for mode in ["takeover", "error", "hold"] {
        let question = with(question(), json!({ "stream": true }));
        let request = private(&question).header("x-pilotlight-mode", mode);
        let incoming = gateway.send(&request);
        if incoming.status() == 200 {
            let answer = incoming.streamed();
            assert_eq!(answer.text(), "Under the old ", "{mode}");
            assert!(
                answer.error().is_some() && !answer.done,
                "{mode} {answer:?}"
            );
        } else {
            let answer = incoming.whole();
            assert_eq!((mode, answer.status), ("hold", 503), "{answer:?}");
        }
        clouds.are_unasked();
    }
}

#[test]
fn a_busy_home_is_waited_for_and_nobody_else_is_asked() {
    let clouds = Clouds::new();
    let gate = Gate::default();
    let opens = gate.clone();
    let slow = ollama(its_own(), move |_| {
        Reply::new()
            .after(&opens)
            .and(wire::ollama_stream(&["Done."]))
    });
    let free = Upstream::playing([wire::completion("Free.")]);
    let waits = json!({ "wait": "100ms", "wait_alone": "300ms" });
    let busy = with(home(&slow), waits.clone());
    let cellar = with(with(llama(&free), waits), json!({ "stream_inside": false }));
    let mut config = clouds.around(&[("attic", busy), ("cellar", cellar)]);
    config["routes"]["alone"] = json!(["before", "attic", "after"]);
    let gateway = Setup::new(config).isolates(2).start();
    let to = gateway.isolate(1);
    let first = thread::spawn(move || {
        let question = with(asking("Hi"), json!({ "model": "attic" }));
        Request::chat(&question).send(to).whole()
    });
    slow.wait_count(1);
    let alone = with(question(), json!({ "model": "alone" }));
    unanswered(&ask(&gateway, &alone), &["attic:home_busy"]);
    let answer = ask(&gateway, &question());
    assert_eq!(answer.text(), "Free.", "{answer:?}");
    clouds.are_unasked();
    gate.open();
    assert_eq!(first.join().unwrap().status, 200);
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn a_box_held_by_somebody_else_is_not_made_up_for_by_a_cloud() {
    let clouds = Clouds::new();
    let gate = Gate::default();
    let opens = gate.clone();
    let slow = ollama(its_own(), move |_| {
        Reply::new()
            .after(&opens)
            .and(wire::ollama_stream(&["Done."]))
    });
    let busy = with(
        home(&slow),
        json!({ "wait": "100ms", "wait_alone": "300ms" }),
    );
    let config = clouds.around(&[("attic", busy)]);
    let gateway = Setup::new(config).isolates(2).start();
    let to = gateway.isolate(1);
    let first = thread::spawn(move || private(&question()).send(to).whole());
    slow.wait_count(2);
    unanswered(&ask(&gateway, &question()), &["attic:home_busy"]);
    gate.open();
    assert_eq!(first.join().unwrap().text(), "Done.");
    assert_eq!(ask(&gateway, &question()).text(), "Done.");
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn a_home_that_is_away_or_cold_is_not_made_up_for_by_a_cloud() {
    let clouds = Clouds::new();
    // Known to be away.
    let nowhere = json!({
        "provider": "ollama", "base_url": Upstream::nowhere(), "model": "m", "home": true,
    });
    let config = clouds.around(&[("attic", nowhere)]);
    let store = Kv::start(Manner::Sound);
    let gateway = Setup::new(config.clone()).store(&store).cron().start();
    gateway.round();
    unanswered(&ask(&gateway, &question()), &["attic:box_away"]);
    // Not known to be: nothing of its models can be found out.
    let gateway = Setup::new(config).start();
    unanswered(&ask(&gateway, &question()), &["attic:unverified"]);
    // A dialect that has nothing to find out.
    let lost = json!({
        "provider": "openai", "base_url": Upstream::nowhere(), "model": "m", "home": true,
        "attempts": 1,
    });
    let gateway = Setup::new(clouds.around(&[("attic", lost)])).start();
    unanswered(&ask(&gateway, &question()), &["attic:unreachable"]);

    // It loads its model, for longer than it may.
    let cold = Upstream::answering(|seen| match seen.line().as_str() {
        CHAT => Reply::new().hold(),
        TAGS => wire::api(200, &json!({ "models": its_own() })),
        _ => wire::api(200, &json!({ "models": [] })),
    });
    let times = json!({ "headers_timeout": "100ms", "load_timeout": "500ms", "attempts": 1 });
    let gateway = Setup::new(clouds.around(&[("attic", with(home(&cold), times))])).start();
    unanswered(&ask(&gateway, &question()), &["attic:model_loading"]);
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn a_caller_that_leaves_is_not_followed_by_a_cloud() {
    let clouds = Clouds::new();
    for reply in [Reply::new().hold(), wire::said(&["Under "]).hold()] {
        let silent = Upstream::playing([reply]);
        let gateway = Setup::new(clouds.around(&[("attic", llama(&silent))])).start();
        let stream = with(question(), json!({ "stream": true }));
        private(&stream).send_and_leave(gateway.address(), || silent.wait_count(1));
        silent.wait_left(0);
        gateway.log_lines(1);
        clouds.are_unasked();
    }
}

#[test]
fn however_it_is_routed_it_stays_at_home() {
    let clouds = Clouds::new();
    let up = Upstream::playing([wire::completion("Home.")]);
    let still = json!({ "stream_inside": false });
    let config = clouds.around(&[("attic", with(llama(&up), still))]);
    let gateway = Setup::new(config).start();
    let ask_for = |model: &str| ask(&gateway, &with(question(), json!({ "model": model })));
    for model in [
        "auto", "attic", "inside", "gpt-5.2", "", "SKY", "before ", "../sky",
    ] {
        let answer = ask_for(model);
        assert_eq!((model, answer.status), (model, 200), "{answer:?}");
        assert_eq!(answer.text(), "Home.");
    }
    for model in ["sky", "before", "after"] {
        unanswered(&ask_for(model), &[]);
    }
    // A route that is private by itself, by its name or a slip of it.
    for model in ["inside", "Inside", "IN-SIDE", " inside"] {
        let answer = gateway.chat(&with(question(), json!({ "model": model })));
        assert_eq!(answer.text(), "Home.", "{model}");
    }
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn a_home_that_points_elsewhere_is_not_followed() {
    let clouds = Clouds::new();
    let to = format!("{}/v1/chat/completions", clouds.0[1].url());
    for status in [301, 302, 303, 307, 308] {
        let location = to.clone();
        let points =
            Upstream::answering(move |_| wire::page(status, &[("location", &location)], ""));
        let [ollama, llama] = homes(&points);
        let gateway = Setup::new(clouds.around(&[("attic", ollama), ("cellar", llama)])).start();
        let answer = ask(&gateway, &question());
        unanswered(&answer, &["attic:unverified", "cellar:redirected"]);
        assert_eq!(chats(&points), 1, "the Ollama was only looked at");
        clouds.are_unasked();
    }
}

#[test]
fn headers_that_may_mean_it_are_obeyed_or_refused() {
    let clouds = Clouds::new();
    let up = Upstream::answering(|_| wire::completion("Home."));
    let still = json!({ "stream_inside": false });
    let config = clouds.around(&[("attic", with(llama(&up), still))]);
    let gateway = Setup::new(config).start();
    let send = |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(Request::chat(&question()), |request, (name, value)| {
                request.header(name, value)
            });
        gateway.send(&request).whole()
    };
    let name = "x-pilotlight-privacy";
    for headers in [
        &[(name, "home")][..],
        &[("X-PILOTLIGHT-PRIVACY", "home")],
        &[("X-Pilotlight-Privacy", "  home\t ")],
    ] {
        let answer = send(headers);
        assert_eq!(answer.text(), "Home.", "{headers:?}");
        assert_eq!(answer.head.header("x-pilotlight-private"), Some("caller"));
    }
    for headers in [
        &[(name, "")][..],
        &[(name, " \t ")],
        &[(name, "Home")],
        &[(name, "\"home\"")],
        &[(name, "home;q=1")],
        &[(name, "cloud")],
        &[(name, "false")],
        &[(name, "home"), (name, "home")],
        &[(name, "home"), (name, "")],
        &[(name, ""), (name, "home")],
        &[(name, "home"), (name, "open")],
        &[("x-pilotlight-private", "home")],
        &[("x-pilotlight-private", "")],
        &[("X-Pilotlight-Home", "true")],
        &[("x-pilotlight-privacy-", "home")],
    ] {
        let answer = send(headers);
        assert_eq!(answer.status, 400, "{headers:?} {answer:?}");
        assert!(!answer.body.contains(SECRET));
    }
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn no_spelling_of_a_body_gets_a_private_request_out() {
    let clouds = Clouds::new();
    let up = Upstream::answering(|_| wire::completion("Home."));
    let still = json!({ "stream_inside": false });
    let mut config = clouds.around(&[("attic", with(llama(&up), still))]);
    config["pii"] = true.into();
    let gateway = Setup::new(config).start();
    let send = |request: Request, body: &str| {
        let kind = ("content-type", "application/json");
        gateway
            .send(&request.header(kind.0, kind.1).body(body))
            .whole()
    };
    let post = || Request::new("POST", "/v1/chat/completions");
    // Private by its header, whatever is written twice or escaped.
    for body in [
        r#"{"model":"auto","model":"sky","messages":[{"role":"user","content":"x"}]}"#,
        r#"{"model":"inside","mod\u0065l":"before","messages":[{"role":"user","content":"x"}]}"#,
        r#"{"model":"s\u006by","messages":[{"role":"user","content":"x"}],"privacy":"open"}"#,
    ] {
        let answer = send(post().header("x-pilotlight-privacy", "home"), body);
        assert_eq!(answer.status, 503, "{body} {answer:?}");
    }
    // Private by what is found, in whichever member, of two of a name as well.
    for body in [
        r#"{"model":"auto","messages":[{"role":"user","content":"jane.doe@example.com"}]}"#,
        r#"{"model":"auto","messages":[{"role":"user","content":"jane.doe@example.com"}],
            "messages":[{"role":"user","content":"x"}]}"#,
        r#"{"model":"auto","messages":[{"role":"user","content":"x",
            "content":"jane.doe@example.com"}]}"#,
        r#"{"model":"auto","messages":[{"role":"user","content":[{"type":"unheard_of",
            "deep":{"down":["jane.doe@example.com"]}}]}]}"#,
        r#"{"model":"auto","messages":[{"role":"user","content":"x"}],
            "user":"jane.doe@example.com"}"#,
        r#"{"model":"auto","messages":[{"role":"user","content":"x"}],
            "metadata":{"jane.doe@example.com":1}}"#,
    ] {
        let answer = send(post(), body);
        assert_eq!(answer.status, 200, "{body} {answer:?}");
        assert_eq!(answer.text(), "Home.", "{body}");
        let told = answer.head.header("x-pilotlight-private");
        assert_eq!(told, Some("pii:email"), "{body}");
    }
    // What cannot be read is refused, and repeated to nobody.
    for body in [
        &br#"{"model":"auto","messages":[{"role":"user","content":"rutabaga""#[..],
        b"rutabaga",
        b"\"rutabaga\"",
        b"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"rutabaga \xff\"}]}",
    ] {
        let request = private(&asking("")).body(body);
        let answer = gateway.send(&request).whole();
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(!answer.body.contains(SECRET), "{answer:?}");
    }
    clouds.are_unasked();
}

#[test]
fn a_preflight_and_a_heartbeat_carry_nothing_anywhere() {
    let clouds = Clouds::new();
    let silent = Upstream::playing([Reply::new().hold()]);
    let short = json!({
        "headers_timeout": "600ms", "first_token_timeout": "600ms", "attempts": 1,
    });
    let mut config = clouds.around(&[("attic", with(llama(&silent), short))]);
    config["heartbeat"] = "100ms".into();
    let gateway = Setup::new(config).start();
    let preflight = Request::new("OPTIONS", "/v1/chat/completions")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-pilotlight-privacy")
        .body(question().to_string());
    assert_eq!(gateway.send(&preflight).whole().status, 204);
    let answer = ask_stream(&gateway, &question());
    let error = answer.error().unwrap_or(&Value::Null);
    assert_eq!(error["code"], "private_unanswered", "{answer:?}");
    assert!(!answer.done && answer.text().is_empty());
    assert_eq!(silent.count(), 1);
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn nothing_that_is_kept_holds_a_word_of_it() {
    let clouds = Clouds::new();
    let up = Upstream::playing([
        wire::api(
            500,
            &json!({ "error": { "message": format!("no {SECRET}") } }),
        ),
        wire::completion(&format!("The {SECRET} is here.")),
        wire::said(&[SECRET, " is "]).reset(),
    ]);
    let still = json!({ "stream_inside": false, "attempts": 1, "breaker_failures": 1 });
    let mut config = clouds.around(&[("attic", with(llama(&up), still))]);
    config["pii"] = true.into();
    let key = "an-operators-own-key";
    let store = Kv::start(Manner::Sound);
    let gateway = Setup::new(config)
        .secret("PILOTLIGHT_ADMIN_KEY", key)
        .store(&store)
        .start();
    let answer = ask(&gateway, &question());
    assert_eq!(answer.status, 503, "{answer:?}");
    for (name, value) in &answer.head.headers {
        assert!(!value.contains(SECRET), "{name}: {value}");
    }
    let lines = gateway.log_lines(1).join("\n");
    assert!(!lines.contains(SECRET), "{lines}");
    let told = store.value("breaker/attic").map(|told| told.to_string());
    assert!(!told.unwrap_or_default().contains(SECRET));
    for path in ["/admin/failures", "/admin/status", "/admin/ledger"] {
        let admin = Request::new("GET", path).header("authorization", &format!("Bearer {key}"));
        let until = Instant::now() + Duration::from_secs(3);
        let kept = loop {
            let kept = gateway.send(&admin).whole();
            if kept.body.contains("attic") || Instant::now() > until {
                break kept;
            }
            thread::sleep(Duration::from_millis(100));
        };
        assert_eq!(kept.status, 200, "{path} {kept:?}");
        assert!(kept.body.contains("attic"), "{path} {kept:?}");
        assert!(!kept.body.contains(SECRET), "{path} {kept:?}");
    }
    clouds.are_unasked();
}

#[test]
fn a_model_that_the_box_hands_on_is_passed_over_and_one_of_which_nobody_knows() {
    let clouds = Clouds::new();
    let alias = json!([{
        "name": "home-model:latest", "remote_host": "https://ollama.com:443",
        "remote_model": "gpt-oss:120b",
    }]);
    for (models, outcome) in [
        (alias, "attic:forwarded"),
        (json!([]), "attic:unverified"),
        (json!(7), "attic:unverified"),
    ] {
        let box_ = ollama(models, |_| wire::ollama_stream(&["Never."]));
        let gateway = Setup::new(clouds.around(&[("attic", home(&box_))])).start();
        unanswered(&ask(&gateway, &question()), &[outcome]);
        assert_eq!(chats(&box_), 0);
    }
    for model in ["gpt-oss:120b-cloud", "glm-5:cloud"] {
        let box_ = ollama(its_own(), |_| wire::ollama_stream(&["Never."]));
        let [ollama, llama] = homes(&box_).map(|table| with(table, json!({ "model": model })));
        let config = clouds.around(&[("attic", ollama), ("cellar", llama)]);
        let gateway = Setup::new(config).start();
        let passed_over = ["attic:forwarded", "cellar:forwarded"];
        unanswered(&ask(&gateway, &question()), &passed_over);
        assert_eq!(box_.count(), 0);
    }
    clouds.are_unasked();
}

#[test]
fn an_answer_that_comes_from_a_cloud_after_all_is_not_passed_on() {
    let clouds = Clouds::new();
    let said = |text: &str, done: bool| {
        let line = if done {
            wire::ollama_done(text)
        } else {
            wire::ollama_word(text)
        };
        let remote = json!({ "remote_host": "https://ollama.com:443", "remote_model": "big" });
        wire::line(&with(line, remote))
    };
    let lines = said("Cumulo", false) + &said("nimbus", true);
    let liar = ollama(its_own(), move |_| {
        Reply::chunked(200, &[("content-type", "application/x-ndjson")])
            .chunk(&lines)
            .end()
    });
    let gateway = Setup::new(clouds.around(&[("attic", home(&liar))])).start();
    let answer = ask(&gateway, &question());
    unanswered(&answer, &["attic:left_home"]);
    assert!(
        !answer.body.contains("Nothing of it was sent"),
        "{answer:?}"
    );
    let log = gateway.log_lines(2).join("\n");
    assert!(log.contains(r#""event":"left_home""#), "{log}");
    // It is known now, for streams too.
    unanswered(&ask(&gateway, &question()), &["attic:forwarded"]);
    assert_eq!(chats(&liar), 1);
    clouds.answer_what_is_not_private(&gateway, &question());
}

#[test]
fn a_real_ollamas_alias_of_a_model_elsewhere_is_told_from_its_own() {
    let Some(home) = HomeBox::start("aliases of a real Ollama") else {
        return;
    };
    // What the alias leads to: it speaks as Ollama's cloud does.
    let elsewhere = Upstream::answering(|_| wire::ollama_stream(&[CLOUDY]));
    home.create_alias("mine", &elsewhere.url());
    let clouds = Clouds::new();
    let mine = with(home.target(), json!({ "model": "mine" }));
    let config = clouds.around(&[("mine", mine), ("own", home.target())]);
    let gateway = Setup::new(config).start();

    let answer = ask(&gateway, &question());
    let told = [
        "before:private",
        "after:private",
        "mine:forwarded",
        "own:ok",
    ];
    assert_eq!(answer.attempts(), told, "{answer:?}");
    assert_eq!(elsewhere.count(), 0, "{:#?}", elsewhere.seen());
    clouds.are_unasked();
    let named = with(question(), json!({ "model": "mine", "stream": true }));
    unanswered(&ask(&gateway, &named), &["mine:forwarded"]);

    // It would have been asked.
    let open = gateway.chat(&with(question(), json!({ "model": "mine" })));
    assert_eq!(open.text(), CLOUDY, "{open:?}");
    assert!(elsewhere.only().body.contains(SECRET));
    clouds.answer_what_is_not_private(&gateway, &question());
}
