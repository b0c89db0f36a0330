//! Starts the built Worker on workerd: as one isolate, or as several that share a key-value store.
//!
//! # Why workerd itself, and the simulator only where it adds something
//!
//! On workerd alone the store is the test's own, so that reads are counted and faults are made, and
//! a start is quick enough for every test to have its own. What only Cloudflare's simulator has, its
//! store and its static assets, is used where they are the subject.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::caller::{Answer, Incoming, Request};
use crate::kv::{Kv, Manner};
use crate::leash::Leash;
use crate::tools;
use crate::upstream::{PATIENCE, Upstream};

/// A gateway to be started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    bindings: Vec<(String, Value)>,
    isolates: usize,
    kv: Option<Kv>,
}

impl Setup {
    /// One isolate with this configuration: an object as in wrangler.toml, or a string of JSON.
    pub(crate) fn new(config: impl Into<Value>) -> Self {
        Self {
            bindings: vec![("PILOTLIGHT".to_owned(), config.into())],
            isolates: 1,
            kv: None,
        }
    }

    /// One isolate without a configuration.
    pub(crate) fn unconfigured() -> Self {
        let mut setup = Self::new(Value::Null);
        setup.bindings.clear();
        setup
    }

    /// With one more secret.
    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.bindings.push((name.to_owned(), value.into()));
        self
    }

    /// With this store.
    pub(crate) fn store(mut self, kv: &Kv) -> Self {
        self.kv = Some(kv.clone());
        self
    }

    /// As so many isolates.
    pub(crate) fn isolates(mut self, count: usize) -> Self {
        self.isolates = count;
        self
    }

    /// Starts it on workerd.
    pub(crate) fn start(self) -> Gateway {
        let folder = TemporaryFolder::new();
        let store = self.kv.clone().unwrap_or_else(|| Kv::start(Manner::Sound));
        for file in ["index.js", "index_bg.wasm"] {
            fs::copy(tools::build().join(file), folder.0.join(file)).unwrap();
        }
        let config = folder.0.join("config.capnp");
        fs::write(&config, self.capnp(store.address())).unwrap();
        let mut command = Command::new(tools::workerd());
        command.arg("serve").arg(config).arg("--control-fd=1");
        self.listening(&command, folder)
    }

    /// Starts it in Cloudflare's simulator, with the static page.
    pub(crate) fn simulate(self) -> Gateway {
        let bindings: serde_json::Map<_, _> = self.bindings.iter().cloned().collect();
        let told = json!({
            "bindings": bindings,
            "build": tools::build(),
            "isolates": self.isolates,
        });
        let script = Path::new(tools::ROOT).join("tests/e2e/serve.mjs");
        let mut command = Command::new(tools::node());
        command.arg(script).arg(told.to_string());
        self.listening(&command, TemporaryFolder::new())
    }

    fn listening(&self, command: &Command, folder: TemporaryFolder) -> Gateway {
        let program = Leash::start(command);
        let ports = program.wait(PATIENCE * 2, "the gateway to listen", |lines| {
            let ports = (0..self.isolates).map(|number| port(lines, number));
            ports.collect::<Option<Vec<u16>>>()
        });
        let addresses = ports.into_iter().map(|port| ([127, 0, 0, 1], port).into());
        Gateway {
            addresses: addresses.collect(),
            program,
            _folder: folder,
        }
    }

    fn capnp(&self, store: SocketAddr) -> String {
        let mut services = String::new();
        let mut sockets = String::new();
        for number in 0..self.isolates {
            let _ = write!(services, "(name = \"{number}\", worker = .gateway), ");
            let _ = write!(
                sockets,
                "(name = \"{number}\", address = \"127.0.0.1:0\", http = (), service = \"{number}\"), "
            );
        }
        let mut bindings = String::new();
        for (name, value) in &self.bindings {
            let (kind, text) = match value.as_str() {
                Some(text) => ("text", text.to_owned()),
                None => ("json", value.to_string()),
            };
            let text = quoted(&text);
            let _ = write!(bindings, "(name = \"{name}\", {kind} = {text}), ");
        }
        let date = wrangler("compatibility_date");
        let flags = wrangler("compatibility_flags");
        format!(
            r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    {services}
    (name = "store", external = (address = "{store}", http = ())),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [{sockets}],
);
const gateway :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "index.js"),
    (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
  ],
  compatibilityDate = {date},
  compatibilityFlags = {flags},
  bindings = [{bindings} (name = "BREAKERS", kvNamespace = "store")],
);
"#
        )
    }
}

/// A gateway that serves. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Gateway {
    addresses: Vec<SocketAddr>,
    program: Leash,
    _folder: TemporaryFolder,
}

impl Gateway {
    /// Where the first isolate listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where the isolate of this number listens.
    pub(crate) fn isolate(&self, number: usize) -> SocketAddr {
        self.addresses[number]
    }

    /// Sends a chat request to the first isolate and takes the answer whole.
    pub(crate) fn chat(&self, body: &Value) -> Answer {
        self.send(&Request::chat(body)).whole()
    }

    /// Sends a chat request to the first isolate, to be answered as a stream.
    pub(crate) fn stream(&self, body: &Value) -> Incoming {
        let mut body = body.clone();
        body["stream"] = true.into();
        self.send(&Request::chat(&body))
    }

    /// Sends any request to the first isolate.
    pub(crate) fn send(&self, request: &Request) -> Incoming {
        request.send(self.address())
    }

    /// Waits for the log line of a request.
    pub(crate) fn log_line(&self, request_id: &str) -> Value {
        self.program.wait(PATIENCE, "a log line", |lines| {
            let line = lines.iter().find(|line| line.contains(request_id))?;
            Some(serde_json::from_str(line).expect("a log line is JSON"))
        })
    }

    /// Waits until at least so many lines have been written to the log; returns all of them.
    pub(crate) fn log_lines(&self, count: usize) -> Vec<String> {
        self.program.wait(PATIENCE, "the log", |lines| {
            let lines = lines.iter().filter(|line| listening(line).is_none());
            let lines: Vec<String> = lines.cloned().collect();
            (lines.len() >= count).then_some(lines)
        })
    }
}

/// A table for `targets`: of the OpenAI dialect, at this upstream.
pub(crate) fn cloud(upstream: &Upstream) -> Value {
    json!({
        "provider": "openai",
        "base_url": format!("{}/v1", upstream.url()),
        "model": "cloud-model",
    })
}

/// A table for `targets`: of the Ollama dialect, at this upstream.
pub(crate) fn home(upstream: &Upstream) -> Value {
    json!({
        "provider": "ollama",
        "base_url": upstream.url(),
        "model": "home-model",
        "context": 8192,
        "home": true,
    })
}

/// A table, with the settings of another laid over it.
pub(crate) fn with(mut table: Value, settings: Value) -> Value {
    let (Value::Object(table_entries), Value::Object(settings)) = (&mut table, settings) else {
        panic!("two tables");
    };
    table_entries.extend(settings);
    table
}

/// A configuration with one route, `auto`, over these targets in this order.
///
/// Waits between attempts are cut to next to nothing.
pub(crate) fn chain(targets: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
    let tables: serde_json::Map<_, _> = targets
        .iter()
        .map(|(name, table)| ((*name).to_owned(), table.clone()))
        .collect();
    json!({
        "default_route": "auto",
        "defaults": { "backoff_base": "1ms", "backoff_max": "2ms" },
        "targets": tables,
        "routes": { "auto": names },
    })
}

/// A request that says one thing.
pub(crate) fn asking(words: &str) -> Value {
    json!({ "model": "auto", "messages": [{ "role": "user", "content": words }] })
}

/// The port of an isolate, in the words of workerd's control channel.
fn port(lines: &[String], number: usize) -> Option<u16> {
    let mut events = lines.iter().filter_map(|line| listening(line));
    let socket = number.to_string();
    let event = events.find(|event| event["socket"] == socket)?;
    event["port"].as_u64()?.try_into().ok()
}

fn listening(line: &str) -> Option<Value> {
    let event: Value = serde_json::from_str(line).ok()?;
    (event["event"] == "listen").then_some(event)
}

/// The value of a one-line key of wrangler.toml; strings and lists of them are written alike there
/// and in workerd's configuration.
fn wrangler(key: &str) -> String {
    let text = fs::read_to_string(Path::new(tools::ROOT).join("wrangler.toml")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|rest| rest.trim_start().strip_prefix('='));
    value.expect("wrangler.toml has the key").trim().to_owned()
}

/// A text as workerd's configuration quotes it.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// A folder that lives as long as this value.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(pub(crate) PathBuf);

impl TemporaryFolder {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pilotlight-e2e-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}
