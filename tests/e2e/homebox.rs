//! A home box: a real Ollama with a small real model, and what surrounds it. The model is SmolLM2-135M
//! on the processor, with a small window.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::TemporaryFolder;
use crate::leash::Leash;
use crate::tools::{self, GGUF, OLLAMA};
use crate::upstream::PATIENCE;

/// Its window, in tokens.
pub(crate) const WINDOW: usize = 2048;

/// Ollama's address and models, and the server while it runs.
pub(crate) struct HomeBox {
    ollama: PathBuf,
    port: u16,
    folder: TemporaryFolder,
    parallel: u8,
    pub(crate) server: Leash,
    /// The boxes of two tests at once would only make each other slow.
    _alone: Rc<MutexGuard<'static, ()>>,
}

impl HomeBox {
    /// Starts one that has the model, or says that it cannot be had.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let [it] = Self::start_several(test)?;
        Some(it)
    }

    /// Starts one that would serve so many at once.
    pub(crate) fn start_parallel(test: &str, parallel: u8) -> Option<Self> {
        let mut it = Self::start(test)?;
        it.parallel = parallel;
        it.kill();
        it.restart();
        Some(it)
    }

    /// Starts several that have the model, each in its own folder, or says that they cannot be had.
    pub(crate) fn start_several<const N: usize>(test: &str) -> Option<[Self; N]> {
        static ALONE: Mutex<()> = Mutex::new(());
        let [ollama, gguf] = tools::need(test, [OLLAMA, GGUF])?;
        let alone = Rc::new(ALONE.lock().unwrap_or_else(PoisonError::into_inner));
        Some([(); N].map(|()| Self::one(&ollama, &gguf, &alone)))
    }

    fn one(ollama: &Path, gguf: &Path, alone: &Rc<MutexGuard<'static, ()>>) -> Self {
        let folder = TemporaryFolder::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let it = Self {
            ollama: ollama.to_owned(),
            port,
            server: serve(ollama, port, &folder.0, 1),
            folder,
            parallel: 1,
            _alone: Rc::clone(alone),
        };
        it.create(gguf);
        it
    }

    fn create(&self, gguf: &Path) {
        self.create_model("smol", &format!("FROM {}\n", gguf.display()));
    }

    /// Makes another model of a Modelfile.
    pub(crate) fn create_model(&self, name: &str, text: &str) {
        let modelfile = self.folder.0.join("Modelfile");
        fs::write(&modelfile, text).unwrap();
        let mut create = Command::new(&self.ollama);
        create.args(["create", name, "-f"]).arg(modelfile);
        let created = surround(&mut create, self.port, &self.folder.0)
            .output()
            .unwrap();
        assert!(created.status.success(), "{created:?}");
    }

    /// Makes an alias of a model at another server, which it hands prompts for it on to.
    pub(crate) fn create_alias(&self, name: &str, remote_host: &str) {
        let body = json!({
            "model": name, "from": "big:120b", "remote_host": remote_host, "stream": false,
        });
        let create = Request::new("POST", "/api/create").body(body.to_string());
        let created = create.send(([127, 0, 0, 1], self.port).into()).whole();
        assert_eq!(created.status, 200, "{created:?}");
    }

    /// Kills it and all that it started, at once.
    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again.
    pub(crate) fn restart(&mut self) {
        self.server = serve(&self.ollama, self.port, &self.folder.0, self.parallel);
    }

    /// The table of `targets` for it.
    pub(crate) fn target(&self) -> Value {
        json!({
            "provider": "ollama",
            "base_url": format!("http://127.0.0.1:{}", self.port),
            "model": "smol",
            "context": WINDOW,
            "max_output": 40,
            "home": true,
            "first_token_timeout": "5m",
            "headers_timeout": "5m",
            "attempt_timeout": "5m",
            "stall_timeout": "1m",
        })
    }

    /// All that the server and its engine have logged.
    pub(crate) fn log(&self) -> String {
        self.server
            .wait(PATIENCE, "a log", |lines| Some(lines.join("\n")))
    }
}

fn serve(ollama: &Path, port: u16, folder: &Path, parallel: u8) -> Leash {
    let mut command = Command::new(ollama);
    command
        .arg("serve")
        .env("OLLAMA_NUM_PARALLEL", parallel.to_string());
    let server = Leash::start(surround(&mut command, port, folder));
    let until = Instant::now() + PATIENCE * 2;
    let version = Request::new("GET", "/api/version");
    while version.try_send(([127, 0, 0, 1], port).into()).is_none() {
        assert!(Instant::now() < until, "Ollama does not come up");
        thread::sleep(Duration::from_millis(50));
    }
    server
}

fn surround<'a>(command: &'a mut Command, port: u16, folder: &Path) -> &'a mut Command {
    command
        .env("OLLAMA_HOST", format!("127.0.0.1:{port}"))
        .env("OLLAMA_MODELS", folder.join("models"))
        .env("OLLAMA_DEBUG", "1")
        // A model may be an alias of one at a scripted cloud.
        .env("OLLAMA_REMOTES", "127.0.0.1")
        .env("HOME", folder)
        .env("PATH", env::var_os("PATH").unwrap_or_default())
}
