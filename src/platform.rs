//! What the gateway asks of the world: time, chance, the network, the caller's connection, shared
//! state and the log.
//!
//! # Why one trait
//!
//! Everything that decides is a function of values, so that it can be tested in virtual time and
//! without a port. What is left needs the world, and the world is this list. The Worker supplies it
//! in `edge`, the tests in `tests/it`.
//!
//! **Invariant:** nothing outside an implementation of this trait reads a clock or rolls a die.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use crate::config::Target;
use crate::ledger::message::Message;
use crate::policy::boxes::Boxes;
use crate::policy::boxes::sighting::Look;
use crate::policy::breaker::Shared;
use crate::policy::lease;
use crate::stream::relay::Relay;

/// What keeps a connection alive: a comment, which no reader of events hands on.
pub const HEARTBEAT: &str = ": waiting\n\n";

/// The world as one request sees it, or one round of the cron, for which nobody waits. Cloning is cheap.
#[expect(
    async_fn_in_trait,
    reason = "one thread; no caller needs to name or send the futures"
)]
pub trait Platform: Clone + 'static {
    /// An upstream's answer whose body is still coming. Dropping it ends the call.
    type Body: 'static;
    /// The way to a caller to whom an answer is streamed. Clones lead to the same caller.
    type Outlet: Clone + 'static;
    /// The other end of an [`Platform::Outlet`], to be put into a response.
    type Stream;

    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// A number from 0 up to but not including 1.
    fn random(&self) -> f64;

    /// Waits, though no longer than the caller does.
    async fn sleep(&self, ms: u64) -> Result<(), CallerLeft>;

    /// The request's body, or why it cannot be had.
    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError>;

    /// Posts a call to its target and waits for the answer's headers, or for the whole answer.
    ///
    /// Redirects are never followed. A call that [`Target::passage`] bars is not sent.
    async fn send(&self, call: Call<'_>) -> Result<Reply<Self::Body>, SendError>;

    /// The next bytes of a body; `None` at its end.
    async fn read(&self, body: &mut Self::Body, timeout_ms: u64)
    -> Result<Option<Vec<u8>>, Broken>;

    /// A new way to the caller.
    fn outlet(&self) -> (Self::Outlet, Self::Stream);

    /// Writes to the caller, as fast as it reads.
    async fn write(&self, outlet: &Self::Outlet, bytes: &[u8]) -> Result<(), CallerLeft>;

    /// Ends the caller's stream.
    async fn close(&self, outlet: Self::Outlet);

    /// Relays a body to the caller, chunk by chunk through `relay`, until the relay has what it
    /// wants, the body ends or breaks, or `deadline` (milliseconds since 1970) passes.
    ///
    /// This is a loop of the platform's own, and not [`Platform::read`] and [`Platform::write`] in
    /// turns, because it runs for every chunk of every answer.
    async fn pump(
        &self,
        body: Self::Body,
        outlet: &Self::Outlet,
        relay: &Rc<RefCell<Relay>>,
        pace: Pace,
    ) -> Pumped;

    /// Passes a body on to the caller as it is, without looking at it, until it ends or breaks or
    /// `deadline` (milliseconds since 1970) passes.
    async fn pass(&self, body: Self::Body, outlet: &Self::Outlet, deadline: u64) -> Pumped;

    /// Asks a target's server for what lies at `url`. It goes the way that [`Target::passage`] says, or
    /// not at all.
    async fn look(&self, target: &Target, url: &str, timeout_ms: u64) -> Look;

    /// Goes on with `work` after the answer has been handed over.
    fn after(&self, work: impl Future<Output = ()> + 'static);

    /// Reads what other isolates have told of these targets' breakers, and of the boxes where any are
    /// asked for by the names of their servers: all in one read. `None` when the store does not answer.
    async fn shared(&self, targets: &[&str], servers: &[&str]) -> Option<Told>;

    /// Tells the other isolates of a breaker.
    async fn share_breaker(&self, target: &str, shared: &Shared);

    /// Says something to the lock of a home box. `None` when the lock cannot be reached.
    ///
    /// An ask is answered when it has a slot or has waited long enough.
    async fn lock(&self, name: &str, message: &lease::Message) -> Option<lease::Reply>;

    /// Lets a time pass in which others may add to what is about to be told.
    async fn gather(&self, ms: u64);

    /// Says something to the ledger; its answer as JSON. `None` when it cannot be reached.
    async fn ledger(&self, message: &Message) -> Option<String>;
    /// Tells the other isolates of the boxes. Only the cron does.
    async fn share_boxes(&self, boxes: &Boxes);

    /// Writes one line to the log.
    fn log(&self, line: &str);
}

/// What other isolates have told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The breakers that somebody told of, by target.
    pub breakers: Vec<(String, Shared)>,
    /// The boxes.
    pub boxes: Boxes,
}

/// One call to an upstream.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Whom to ask; its address and its headers are the same for every call.
    pub target: &'a Target,
    /// The body.
    pub body: &'a [u8],
    /// How the answer is taken.
    pub taking: Taking,
    /// How long to wait for it, in milliseconds.
    pub timeout_ms: u64,
}

/// How an upstream's answer is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// The body of a 200 is left open, to be read piece by piece; that of any other status is read.
    Open,
    /// The body is read whole; the time limit covers it.
    Whole,
}

/// An upstream's answer.
#[derive(Debug)]
pub struct Reply<B> {
    /// The HTTP status.
    pub status: u16,
    /// The headers that mean something to the gateway.
    pub headers: ReplyHeaders,
    /// The body.
    pub body: ReplyBody<B>,
}

/// The body of an upstream's answer.
#[derive(Debug)]
pub enum ReplyBody<B> {
    /// Still coming.
    Open(B),
    /// Here.
    Whole(Vec<u8>),
}

/// The headers of an upstream's answer that mean something to the gateway, as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyHeaders {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `retry-after-ms`, which OpenAI's and Anthropic's SDKs read as well.
    pub retry_after_ms: Option<String>,
    /// `x-should-retry`, likewise.
    pub should_retry: Option<String>,
    /// `cf-error-type`, on error pages that Cloudflare's edge made itself
    /// (<https://developers.cloudflare.com/support/troubleshooting/http-status-codes/>).
    pub cf_error_type: Option<String>,
}

/// Why a call brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The caller left, and the call was ended.
    CallerLeft,
    /// The answer is longer than any answer should be.
    TooLong,
    /// The service that is bound for the target threw this text, for `policy::classify::bound` to read.
    /// It is never shown, and never logged.
    Thrown(String),
    /// It could not be sent, or the connection broke before the answer was there.
    Unreachable,
    /// The time limit passed.
    TimedOut,
}

/// Why a body cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The caller left, and the call was ended.
    CallerLeft,
    /// The connection broke.
    Reset,
    /// The time limit passed.
    TimedOut,
}

/// The caller's connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLeft;

/// Why the request's body cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than the limit.
    TooLarge,
    /// The connection broke.
    Broken,
}

/// The time limits of [`Platform::pump`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The longest silence, in milliseconds. Only content counts as a sound.
    pub stall_ms: u64,
    /// The longest silence once the answer's choices have all ended: it is whole, and only usage and
    /// the terminal marker may follow.
    pub coda_ms: u64,
    /// How long the caller hears nothing before it is sent a [`HEARTBEAT`].
    pub heartbeat_ms: u64,
    /// When the request as a whole has to end, in milliseconds since 1970.
    pub deadline: u64,
}

/// Why [`Platform::pump`] came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// The caller left.
    CallerLeft,
    /// The request's deadline passed.
    Deadline,
    /// The body ended in order.
    Ended,
    /// The relay wants no more: the answer is complete, or has failed.
    Enough,
    /// The connection broke.
    Reset,
    /// Nothing that counts came for too long.
    Stalled,
}
