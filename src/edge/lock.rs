//! The Durable Object that keeps the lock of one home box.
//!
//! It runs one message after another, whichever isolate sends it; what becomes of each is
//! `policy::lease`'s. Who holds a slot is written down, so that it outlives a restart. Who waits does so
//! on a connection, which ends with the restart, and asks again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, select};
use worker::{
    Date, Delay, DurableObject, Env, Request, Response, SqlStorage, State, durable_object,
};

use crate::edge::glue;
use crate::policy::lease::{Ask, Lease, Lock, Message, Reply, Settled, Standing};

/// The name of the binding.
pub(super) const BINDING: &str = "HOME_LOCK";

/// The lock of one box.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct HomeLock {
    sql: SqlStorage,
    lock: RefCell<Lock>,
    /// What is written down.
    kept: RefCell<String>,
    waiting: RefCell<BTreeMap<String, Waiter>>,
}

/// Where somebody is told who waits: of its slot, or that there is none.
type Waiter = oneshot::Sender<Option<Lease>>;

impl DurableObject for HomeLock {
    fn new(state: State, _env: Env) -> Self {
        let sql = state.storage().sql();
        let kept = read(&sql).unwrap_or_default();
        let mut lock: Lock = serde_json::from_str(&kept).unwrap_or_default();
        lock.forget_queue();
        Self {
            sql,
            lock: RefCell::new(lock),
            kept: RefCell::new(kept),
            waiting: RefCell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let text = request.text().await?;
        let Ok(message) = serde_json::from_str(&text) else {
            return Response::error("not a message to a lock", 400);
        };
        let reply = self.hear(message, request.inner()).await?;
        Response::ok(serde_json::to_string(&reply)?)
    }
}

impl HomeLock {
    /// Takes a message, which came with `request`.
    async fn hear(&self, message: Message, request: &web_sys::Request) -> worker::Result<Reply> {
        let now = Date::now().as_millis();
        let reply = match message {
            Message::Ask(ask) => return self.ask(ask, request, now).await,
            Message::Renew { owner, lease_ms } => {
                let renewed = self.lock.borrow_mut().renew(&owner, lease_ms, now);
                renewed.map_or(Reply::NotYours, Reply::Yours)
            }
            Message::Release { owner } => {
                // If it waits on another connection, that one has its answer.
                self.tell(&owner, None);
                if self.lock.borrow_mut().release(&owner, now) {
                    Reply::Released
                } else {
                    Reply::NotYours
                }
            }
            Message::Free => Reply::Freed(self.lock.borrow_mut().free()),
            Message::Look => Reply::Seen(self.lock.borrow().seen(now)),
        };
        self.settle(now)?;
        Ok(reply)
    }

    async fn ask(&self, ask: Ask, request: &web_sys::Request, now: u64) -> worker::Result<Reply> {
        // What is over makes room first; what is given back with the ask, after it.
        self.settle(now)?;
        let owner = ask.owner.clone();
        let standing = self.lock.borrow_mut().ask(ask, now);
        let (tell, waits) = oneshot::channel();
        if let Standing::Queued(_) = standing {
            self.waiting.borrow_mut().insert(owner.clone(), tell);
        }
        self.settle(now)?;
        match standing {
            Standing::Busy => return Ok(Reply::Busy),
            Standing::Granted(lease) => return Ok(Reply::Yours(lease)),
            Standing::Queued(_) => {}
        }
        match select(pin!(self.wait(waits)), pin!(glue::gone(request))).await {
            Either::Left((reply, _)) => reply,
            // Whoever waited has vanished: no slot is kept for it.
            Either::Right(_) => {
                self.tell(&owner, None);
                self.lock
                    .borrow_mut()
                    .release(&owner, Date::now().as_millis());
                self.settle(Date::now().as_millis())?;
                Ok(Reply::Busy)
            }
        }
    }

    /// Waits to be told, and does what falls due meanwhile.
    async fn wait(&self, mut told: oneshot::Receiver<Option<Lease>>) -> worker::Result<Reply> {
        loop {
            let now = Date::now().as_millis();
            let next = self.lock.borrow().next_at();
            let due = next.map_or(LONGEST_MS, |at| at.saturating_sub(now).min(LONGEST_MS));
            let delay = Delay::from(Duration::from_millis(due.max(1)));
            match select(told, pin!(delay)).await {
                Either::Left((Ok(Some(lease)), _)) => return Ok(Reply::Yours(lease)),
                Either::Left((Ok(None) | Err(_), _)) => return Ok(Reply::Busy),
                Either::Right(((), still)) => {
                    told = still;
                    self.settle(Date::now().as_millis())?;
                }
            }
        }
    }

    /// Ends what is over, lets in who is next, and writes down who holds a slot.
    fn settle(&self, now: u64) -> worker::Result<()> {
        let settled = self.lock.borrow_mut().settle(now);
        for one in settled {
            match one {
                Settled::Granted(lease) => self.tell(&lease.owner.clone(), Some(lease)),
                Settled::Late(owner) => self.tell(&owner, None),
            }
        }
        self.keep()
    }

    fn tell(&self, owner: &str, lease: Option<Lease>) {
        if let Some(waiter) = self.waiting.borrow_mut().remove(owner) {
            // Nobody listens when the object is about to end; then nobody is told anything.
            let _heard = waiter.send(lease);
        }
    }

    /// Writes down who holds a slot, where that has changed. The runtime lets no answer out before it
    /// is written.
    fn keep(&self) -> worker::Result<()> {
        let mut lock = self.lock.borrow().clone();
        lock.forget_queue();
        let text = serde_json::to_string(&lock)?;
        if *self.kept.borrow() != text {
            let write = "INSERT INTO lock (id, state) VALUES (1, ?) \
                         ON CONFLICT (id) DO UPDATE SET state = excluded.state";
            self.sql.exec(write, vec![text.as_str().into()])?;
            *self.kept.borrow_mut() = text;
        }
        Ok(())
    }
}

/// A timer of the runtime takes no more than 31 bits of milliseconds; none has to be near that.
const LONGEST_MS: u64 = 3_600_000;

fn read(sql: &SqlStorage) -> worker::Result<String> {
    let make = "CREATE TABLE IF NOT EXISTS lock (id INTEGER PRIMARY KEY, state TEXT NOT NULL)";
    sql.exec(make, None)?;
    let rows = sql.exec("SELECT state FROM lock WHERE id = 1", None)?;
    let text = rows.raw().flatten().flatten().next();
    match text {
        Some(worker::SqlStorageValue::String(text)) => Ok(text),
        _ => Ok(String::new()),
    }
}
