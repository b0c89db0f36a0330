//! The callers: scripts that hold a conversation with the SDKs that people use, as people use them.

use std::path::Path;
use std::process::Command;

use crate::tools::{self, PYTHON};

/// A caller: its script in `callers/`, and what the script is told of how to ask.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caller {
    Python(&'static str),
    Node(&'static str, &'static str),
}

pub(super) const OPENAI_PYTHON: Caller = Caller::Python("openai_sdk.py");
pub(super) const LANGCHAIN: Caller = Caller::Python("langchain_sdk.py");
pub(super) const OPENAI_NODE: Caller = Caller::Node("openai_sdk.mjs", "");
pub(super) const VERCEL_COMPATIBLE: Caller = Caller::Node("ai_sdk.mjs", "compatible");
pub(super) const VERCEL_OPENAI: Caller = Caller::Node("ai_sdk.mjs", "openai");

impl Caller {
    /// What starts it, told of these things first, or `None` after saying that it cannot be had.
    pub(super) fn command(self, told: [&str; 3]) -> Option<Command> {
        let (program, script, how) = match self {
            Self::Python(script) => {
                let [python] = tools::need(&format!("a conversation of {script}"), [PYTHON])?;
                (python, script, None)
            }
            Self::Node(script, how) => (tools::node(), script, Some(how)),
        };
        let folder = Path::new(tools::ROOT).join("tests/e2e/across/callers");
        let mut command = Command::new(program);
        command.arg(folder.join(script)).args(told).args(how);
        // Python would leave what it compiled beside the scripts.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        Some(command)
    }
}
