//! A double of the providers that others wrote: `@copilotkit/aimock`, as a process of its own.
//!
//! # Why beside the scripted upstream
//!
//! The scripted upstream says what we take to be a provider's words, so a misreading of ours is in
//! it as well. aimock's authors read the same references apart from us, and compare with the real
//! APIs. It speaks whole answers, streams, tool calls and errors of many companies by one set of
//! fixtures; what is below a well-formed answer (resets, stalls, cut bytes) it cannot do.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::TemporaryFolder;
use crate::leash::Leash;
use crate::tools;
use crate::upstream::PATIENCE;

const PROGRAM: &str = "node_modules/@copilotkit/aimock/dist/cli.js";
const LISTENING: &str = "server listening on http://";

/// aimock, listening.
#[derive(Debug)]
pub(crate) struct Aimock {
    address: SocketAddr,
    _program: Leash,
    _folder: TemporaryFolder,
}

impl Aimock {
    /// Starts it with these fixtures, of which the first that matches a request answers it.
    ///
    /// Each is `{"match": {...}, "response": {...}}`. What is matched, all of it: `model` (the name),
    /// `userMessage` (a part of the user's last message), `hasToolResult` (whether a tool's result
    /// follows that message), `sequenceIndex` (how often fixtures of the same `match` answered
    /// before). What is answered: `content`, `toolCalls` (`[{"name", "arguments"}]`), or `error`
    /// (`{"message", "type", "code"}`) with a `status`. A request that none matches fails.
    pub(crate) fn start(fixtures: &[Value]) -> Self {
        let folder = TemporaryFolder::new();
        let file = folder.0.join("fixtures.json");
        fs::write(&file, json!({ "fixtures": fixtures }).to_string()).unwrap();
        let mut command = Command::new(tools::node());
        command
            .arg(Path::new(tools::ROOT).join(PROGRAM))
            .args([
                "--port",
                "0",
                "--strict",
                "--validate-on-load",
                "--fixtures",
            ])
            .arg(&file);
        let program = Leash::start(&command);
        let address = program.wait(PATIENCE, "aimock to listen", |lines| {
            let told = lines.iter().find_map(|line| line.split_once(LISTENING));
            told.map(|(_, address)| address.parse().expect("an address"))
        });
        Self {
            address,
            _program: program,
            _folder: folder,
        }
    }

    /// Its address, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in order: `path`, `headers`, `body` and what was answered, `response`.
    ///
    /// A body of another dialect than OpenAI's chat completions is recorded as what aimock took it
    /// for in that dialect.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let asked = Request::new("GET", "/__aimock/journal").send(self.address);
        let entries = asked.whole().json();
        entries.as_array().expect("the journal is a list").clone()
    }
}
