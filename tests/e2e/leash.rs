//! A child process that cannot outlive the tests, whatever ends them.
//!
//! # Why a shell stands between
//!
//! A destructor runs when a test panics, but not when the test binary is killed. The kernel closes
//! its pipes in both cases. So a shell in a process group of its own waits for the end of its
//! standard input, and then kills the whole group: the program, and what the program started.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const SCRIPT: &str = r#"{ "$@"; echo "leash: ended with $?" >&2; kill -9 0; } &
cat >/dev/null; kill -9 0"#;
const ENDED: &str = "leash: ended with ";

/// A running program and what it has printed.
#[derive(Debug)]
pub(crate) struct Leash {
    child: Child,
    printed: Arc<Printed>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Leash {
    /// Starts a program.
    pub(crate) fn start(command: &Command) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "leash"]);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh starts");
        let printed = Arc::<Printed>::default();
        let readers = vec![
            collect(child.stdout.take().expect("piped"), &printed),
            collect(child.stderr.take().expect("piped"), &printed),
        ];
        Self {
            child,
            printed,
            readers,
        }
    }

    /// Waits until `wanted` finds what it looks for in the lines printed so far.
    pub(crate) fn wait<T>(
        &self,
        limit: Duration,
        what: &str,
        mut wanted: impl FnMut(&[String]) -> Option<T>,
    ) -> T {
        let until = Instant::now() + limit;
        let mut lines = self.printed.lines.lock().unwrap();
        loop {
            if let Some(found) = wanted(&lines) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited in vain for {what}; printed:\n{}",
                lines.join("\n")
            );
            lines = self.printed.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Waits for the program's own end; returns all that it printed, whether it ended well or not.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<String, String> {
        let note = self.wait(limit, "the program's end", |lines| {
            lines.iter().find(|line| line.starts_with(ENDED)).cloned()
        });
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let lines = self.printed.lines.lock().unwrap();
        let told = lines.iter().filter(|line| !line.starts_with(ENDED));
        let told = told.cloned().collect::<Vec<_>>().join("\n");
        if note == format!("{ENDED}0") {
            Ok(told)
        } else {
            Err(told)
        }
    }

    /// The process group of the program and of what it started.
    pub(crate) fn group(&self) -> u32 {
        self.child.id()
    }

    /// Kills the program and what it started, at once.
    pub(crate) fn kill(&mut self) {
        drop(self.child.stdin.take());
        let _killed = self.child.wait();
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.kill();
    }
}

fn collect(output: impl Read + Send + 'static, printed: &Arc<Printed>) -> JoinHandle<()> {
    let printed = Arc::clone(printed);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            printed.lines.lock().unwrap().push(line);
            printed.more.notify_all();
        }
    })
}
