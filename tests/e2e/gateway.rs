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
    services: Vec<(String, Service)>,
    isolates: usize,
    kv: Option<Kv>,
    cron: Cron,
    ledger: Ledger,
}

/// What is bound as the ledger.
#[derive(Clone, Debug)]
enum Ledger {
    /// The gateway's own.
    Own,
    /// Its own, which can also be spoken to past the gateway.
    Opened,
    /// Nothing.
    Absent,
    /// An object of this script's class `Ledger`.
    Scripted(String),
}

/// Whether rounds of the cron can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cron {
    Absent,
    Present,
}

/// What is bound to the gateway beside values.
#[derive(Clone, Debug)]
enum Service {
    /// The server at this address.
    Server(String),
    /// A Worker of this script.
    Worker(String),
}

impl Setup {
    /// One isolate with this configuration: an object as in wrangler.toml, or a string of JSON.
    pub(crate) fn new(config: impl Into<Value>) -> Self {
        Self {
            bindings: vec![("PILOTLIGHT".to_owned(), config.into())],
            services: Vec::new(),
            isolates: 1,
            kv: None,
            cron: Cron::Absent,
            ledger: Ledger::Own,
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

    /// With the server at this URL bound under a name, as a Workers VPC service is.
    pub(crate) fn service(self, name: &str, url: &str) -> Self {
        let address = url.trim_start_matches("http://").to_owned();
        self.bound(name, Service::Server(address))
    }

    /// With a Worker of this script bound under a name.
    pub(crate) fn worker(self, name: &str, script: &str) -> Self {
        self.bound(name, Service::Worker(script.to_owned()))
    }

    fn bound(mut self, name: &str, service: Service) -> Self {
        self.services.push((name.to_owned(), service));
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

    /// With a trigger for its cron: see [`Gateway::round`].
    pub(crate) fn cron(mut self) -> Self {
        self.cron = Cron::Present;
        self
    }

    /// With a way to its ledger past the gateway: see [`Gateway::tell_ledger`].
    pub(crate) fn opened_ledger(mut self) -> Self {
        self.ledger = Ledger::Opened;
        self
    }

    /// Without a ledger.
    pub(crate) fn without_ledger(mut self) -> Self {
        self.ledger = Ledger::Absent;
        self
    }

    /// With an object of this script's class `Ledger` in place of the ledger.
    pub(crate) fn scripted_ledger(mut self, script: &str) -> Self {
        self.ledger = Ledger::Scripted(script.to_owned());
        self
    }

    /// Starts it on workerd.
    pub(crate) fn start(self) -> Gateway {
        let folder = TemporaryFolder::new();
        let store = self.kv.clone().unwrap_or_else(|| Kv::start(Manner::Sound));
        for file in ["index.js", "index_bg.wasm"] {
            fs::copy(tools::build().join(file), folder.0.join(file)).unwrap();
        }
        fs::write(folder.0.join("cron.js"), CRON).unwrap();
        let ledger = match &self.ledger {
            Ledger::Scripted(script) => script,
            Ledger::Absent | Ledger::Opened | Ledger::Own => TELLER,
        };
        fs::write(folder.0.join("ledger.js"), ledger).unwrap();
        let config = folder.0.join("config.capnp");
        fs::create_dir_all(folder.0.join("objects")).unwrap();
        fs::write(&config, self.capnp(store.address(), &folder.0)).unwrap();
        let mut command = Command::new(tools::workerd());
        command.arg("serve").arg(config).arg("--control-fd=1");
        if self.cron == Cron::Present {
            // A binding that reaches more of a Worker than its `fetch`.
            command.arg("--experimental");
        }
        self.listening(command, folder)
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
        self.listening(command, TemporaryFolder::new())
    }

    fn listening(&self, command: Command, folder: TemporaryFolder) -> Gateway {
        let program = Leash::start(&command);
        let sockets = self.sockets();
        Gateway {
            addresses: addresses(&program, &sockets),
            isolates: self.isolates,
            sockets,
            command,
            program,
            _folder: folder,
        }
    }

    /// The names of the sockets: those of the isolates, and the others after them.
    fn sockets(&self) -> Vec<String> {
        let names = (0..self.isolates).map(|number| number.to_string());
        let names = names.chain((self.cron == Cron::Present).then(|| "cron".to_owned()));
        let opened = matches!(self.ledger, Ledger::Opened);
        names.chain(opened.then(|| "ledger".to_owned())).collect()
    }

    fn capnp(&self, store: SocketAddr, folder: &Path) -> String {
        let [services, sockets, bindings] = self.parts();
        let date = wrangler("compatibility_date");
        let flags = wrangler("compatibility_flags");
        format!(
            r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    {services}
    (name = "store", external = (address = "{store}", http = ())),
    (name = "objects", disk = (path = "{folder}/objects", writable = true)),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [{sockets}],
);
const first :Workerd.Worker = (
  modules = .modules,
  compatibilityDate = {date},
  compatibilityFlags = {flags},
  bindings = .bindings,
  durableObjectNamespaces = [{namespaces}],
  durableObjectStorage = (localDisk = "objects"),
);
const other :Workerd.Worker = (
  modules = .modules,
  compatibilityDate = {date},
  compatibilityFlags = {flags},
  bindings = .bindings,
);
const modules :List(Workerd.Worker.Module) = [
  (name = "index.js", esModule = embed "index.js"),
  (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
];
const bindings :List(Workerd.Worker.Binding) = [
  {bindings} (name = "BREAKERS", kvNamespace = "store"), {objects}
];
const cron :Workerd.Worker = (
  modules = [(name = "cron.js", esModule = embed "cron.js")],
  compatibilityDate = {date},
  compatibilityFlags = ["service_binding_extra_handlers"],
  bindings = [(name = "GATEWAY", service = "0")],
);
const ledger :Workerd.Worker = (
  modules = [(name = "ledger.js", esModule = embed "ledger.js")],
  compatibilityDate = {date},
  bindings = [
    (name = "LEDGER", durableObjectNamespace = (className = "Ledger", serviceName = "0")),
    (name = "HOME_LOCK", durableObjectNamespace = (className = "HomeLock", serviceName = "0")),
  ],
);
const scripted :Workerd.Worker = (
  modules = [(name = "ledger.js", esModule = embed "ledger.js")],
  compatibilityDate = {date},
  durableObjectNamespaces = [(className = "Ledger", uniqueKey = "scripted", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
);
"#,
            objects = objects(|class, name| self.object(class, name)),
            namespaces = objects(|class, _| format!(
                "(className = \"{class}\", uniqueKey = \"{class}\", enableSql = true), "
            )),
            folder = folder.display(),
        )
    }

    /// The services, sockets and bindings of workerd's configuration.
    fn parts(&self) -> [String; 3] {
        let mut services = String::new();
        let mut sockets = String::new();
        for number in 0..self.isolates {
            // The objects live in the first; all reach them there.
            let worker = if number == 0 { "first" } else { "other" };
            let _ = write!(services, "(name = \"{number}\", worker = .{worker}), ");
            let _ = write!(
                sockets,
                "(name = \"{number}\", address = \"127.0.0.1:0\", http = (), service = \"{number}\"), "
            );
        }
        if self.cron == Cron::Present {
            services.push_str("(name = \"cron\", worker = .cron), ");
            sockets.push_str(
                "(name = \"cron\", address = \"127.0.0.1:0\", http = (), service = \"cron\"), ",
            );
        }
        match self.ledger {
            Ledger::Absent | Ledger::Own => {}
            Ledger::Opened => {
                services.push_str("(name = \"ledger\", worker = .ledger), ");
                sockets.push_str(
                    "(name = \"ledger\", address = \"127.0.0.1:0\", http = (), service = \"ledger\"), ",
                );
            }
            Ledger::Scripted(_) => services.push_str("(name = \"ledger\", worker = .scripted), "),
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
        for (name, service) in &self.services {
            let what = match service {
                Service::Server(address) => {
                    format!("external = (address = \"{address}\", http = ())")
                }
                Service::Worker(script) => format!(
                    "worker = (compatibilityDate = {date}, modules = [(name = \"it.js\", esModule = {})])",
                    quoted(script)
                ),
            };
            let _ = write!(services, "(name = \"{name}\", {what}), ");
            let _ = write!(bindings, "(name = \"{name}\", service = \"{name}\"), ");
        }
        [services, sockets, bindings]
    }

    /// The binding of an object.
    fn object(&self, class: &str, name: &str) -> String {
        let service = match (&self.ledger, name) {
            (Ledger::Absent, "LEDGER") => return String::new(),
            (Ledger::Scripted(_), "LEDGER") => "ledger",
            _ => "0",
        };
        format!(
            "(name = \"{name}\", durableObjectNamespace = (className = \"{class}\", serviceName = \"{service}\")), "
        )
    }
}

/// A gateway that serves. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Those of the isolates, and the others after them.
    addresses: Vec<SocketAddr>,
    isolates: usize,
    /// Their names.
    sockets: Vec<String>,
    /// What starts it.
    command: Command,
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

    /// Makes the cron of the first isolate run once, and waits until it has.
    pub(crate) fn round(&self) {
        let trigger = self.addresses[self.isolates];
        let answer = Request::new("GET", "/").send(trigger).whole();
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    }

    /// Kills it at once, as a loss of power does; what it wrote to its folder stays.
    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again on its folder, at other addresses.
    pub(crate) fn restart(&mut self) {
        self.program = Leash::start(&self.command);
        self.addresses = addresses(&self.program, &self.sockets);
    }

    /// Says something to its ledger, past the gateway, in the words of `ledger::message`.
    pub(crate) fn tell_ledger(&self, message: &Value) -> Answer {
        self.tell_object("/ledger", message)
    }

    /// Says something to the lock of a box, past the gateway, in the words of `policy::lease`.
    pub(crate) fn tell_lock(&self, name: &str, message: &Value) -> Answer {
        self.tell_object(&format!("/lock/{name}"), message)
    }

    /// The same from somebody who vanishes a moment later, whatever it is answered.
    pub(crate) fn tell_lock_and_vanish(&self, name: &str, message: &Value) {
        self.tell_object(&format!("/vanish/{name}"), message);
    }

    fn tell_object(&self, path: &str, message: &Value) -> Answer {
        let to = self.addresses[self.sockets.iter().position(|it| it == "ledger").unwrap()];
        let request = Request::new("POST", path).body(message.to_string());
        request.send(to).whole()
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

/// The Durable Objects, each by its class and the name of its binding.
fn objects(write: impl Fn(&str, &str) -> String) -> String {
    [("HomeLock", "HOME_LOCK"), ("Ledger", "LEDGER")]
        .map(|(class, name)| write(class, name))
        .concat()
}

/// What stands in for Cloudflare's cron: it lets a Worker's scheduled event happen.
const CRON: &str = r#"export default {
  async fetch(request, { GATEWAY }) {
    const told = await GATEWAY.scheduled({ scheduledTime: new Date(), cron: "*/2 * * * *" });
    return new Response(told.outcome);
  },
};
"#;

/// What says to the ledger or a lock what it is told to.
const TELLER: &str = r#"export default {
  async fetch(request, { LEDGER, HOME_LOCK }) {
    const [, what, name] = new URL(request.url).pathname.split("/");
    const [kind, id] = what === "ledger" ? [LEDGER, "ledger"] : [HOME_LOCK, name];
    const object = kind.get(kind.idFromName(id));
    const leaving = new AbortController();
    if (what === "vanish") setTimeout(() => leaving.abort(), 300);
    const body = await request.text();
    try {
      const said = await object.fetch("http://object/", { method: "POST", body, signal: leaving.signal });
      return new Response(await said.text(), { status: said.status });
    } catch (error) {
      if (what === "vanish") return new Response("gone");
      throw error;
    }
  },
};
"#;

/// Where the sockets of these names listen.
fn addresses(program: &Leash, sockets: &[String]) -> Vec<SocketAddr> {
    let ports = program.wait(PATIENCE * 2, "the gateway to listen", |lines| {
        let ports = sockets.iter().map(|name| port(lines, name));
        ports.collect::<Option<Vec<u16>>>()
    });
    let addresses = ports.into_iter().map(|port| ([127, 0, 0, 1], port).into());
    addresses.collect()
}

/// The port of a socket, in the words of workerd's control channel.
fn port(lines: &[String], socket: &str) -> Option<u16> {
    let mut events = lines.iter().filter_map(|line| listening(line));
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
