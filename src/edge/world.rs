//! The world on Workers: [`Platform`] by way of `glue.js`.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::{Context, Env, ScheduleContext};

use crate::config::{Key, Passage, Target};
use crate::edge::start::{binding, bytes_of, is_code};
use crate::edge::{boxes, breakers, glue, ledger, lock};
use crate::ledger::message::Message;
use crate::platform::{
    BodyError, Broken, Call, CallerLeft, HEARTBEAT, Pace, Platform, Pumped, Reply, ReplyBody,
    ReplyHeaders, SendError, Taking, Told,
};
use crate::policy::boxes::Boxes;
use crate::policy::boxes::sighting::Look;
use crate::policy::breaker::Shared;
use crate::policy::lease;
use crate::stream::relay::{Fed, Relay, Sound, Standing};

/// What `glue.js` answers in place of an answer.
const TIMED_OUT: f64 = 2.0;
const CALLER_LEFT: f64 = 3.0;
const TOO_LONG: f64 = 4.0;

/// The most bytes of a whole answer: an isolate has 128 MB for all of its requests.
const LONGEST_ANSWER: f64 = 33_554_432.0;

/// The most bytes of an error that are read; what it says stands at its start.
const LONGEST_ERROR: f64 = 65_536.0;

/// The most bytes of what a server tells of itself. A model in its list takes half a kilobyte.
const LONGEST_LOOK: f64 = 1_048_576.0;

/// How long a Durable Object may take to answer, in milliseconds. What the ledger wrote and was late to
/// say is not counted twice.
const OBJECT_MS: f64 = 10_000.0;

thread_local! {
    /// Each target's headers, made once an isolate.
    static HEADERS: RefCell<BTreeMap<String, web_sys::Headers>> = const { RefCell::new(BTreeMap::new()) };
}

/// The world of one event.
#[derive(Clone)]
pub(super) struct World(Rc<Inner>);

struct Inner {
    event: Event,
    caller: OnceCell<glue::Caller>,
    env: Env,
}

/// What woke the Worker, with what keeps it awake.
enum Event {
    Cron(ScheduleContext),
    Request(web_sys::Request, Context),
}

impl World {
    pub(super) fn of_request(request: web_sys::Request, env: Env, context: Context) -> Self {
        Self::of(Event::Request(request, context), env)
    }

    /// A world in which nobody waits.
    pub(super) fn of_cron(env: Env, context: ScheduleContext) -> Self {
        Self::of(Event::Cron(context), env)
    }

    fn of(event: Event, env: Env) -> Self {
        Self(Rc::new(Inner {
            event,
            caller: OnceCell::new(),
            env,
        }))
    }

    /// The caller's connection, watched from the first time that something waits.
    fn caller(&self) -> &glue::Caller {
        self.0.caller.get_or_init(|| match &self.0.event {
            Event::Cron(_) => glue::nobody(),
            Event::Request(request, _) => glue::caller(request),
        })
    }

    /// What fetches `url` for a target: a bound service, or undefined for the runtime itself. `None`
    /// where nothing may. Looked up each time: what is bound belongs to the request.
    fn fetcher(&self, target: &Target, url: &str) -> Option<JsValue> {
        match target.passage(url) {
            Passage::Barred => None,
            Passage::Binding(name) => Some(binding(&self.0.env, name)).filter(JsValue::is_object),
            Passage::Public => Some(JsValue::UNDEFINED),
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

/// An upstream's answer whose body is still coming. Dropped, it ends the call.
#[derive(Debug)]
pub(super) struct Open(glue::Answer);

impl Drop for Open {
    fn drop(&mut self) {
        glue::abort(&self.0);
    }
}

/// A call under way. Dropped, it is ended: dropping its future alone would leave it running.
struct EndedEarly(Option<glue::Call>);

impl Drop for EndedEarly {
    fn drop(&mut self) {
        if let Some(call) = &self.0 {
            glue::end(call);
        }
    }
}

impl Platform for World {
    type Body = Open;
    type Outlet = glue::Way;
    type Stream = glue::Way;

    fn now(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds since 1970"
        )]
        let now = js_sys::Date::now() as u64;
        now
    }

    fn random(&self) -> f64 {
        // The runtime's generator does not fail; without it, waits would only lose their jitter.
        let bits = getrandom::u64().unwrap_or_default() >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let share = bits as f64 / (1_u64 << 53) as f64;
        share
    }

    async fn sleep(&self, ms: u64) -> Result<(), CallerLeft> {
        let caller = self.caller();
        // A sleep that fails would be one that is over.
        let _ = glue::sleep(caller, self::ms(ms.min(i32::MAX as u64))).await;
        if caller.left() {
            return Err(CallerLeft);
        }
        Ok(())
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        #[expect(clippy::cast_precision_loss, reason = "a number of bytes in memory")]
        let limit = limit as f64;
        let Event::Request(request, _) = &self.0.event else {
            return Err(BodyError::Broken);
        };
        match glue::request_body(request, limit).await {
            Ok(value) => bytes_of(&value).ok_or(BodyError::TooLarge),
            Err(_) => Err(BodyError::Broken),
        }
    }

    async fn send(&self, call: Call<'_>) -> Result<Reply<Open>, SendError> {
        let url = &call.target.url;
        let fetcher = self
            .fetcher(call.target, url)
            .ok_or(SendError::Unreachable)?;
        let headers = headers_of(call.target);
        let open = match call.taking {
            Taking::Open => true,
            Taking::Whole => false,
        };
        let call_under_way = glue::call();
        let mut ended_early = EndedEarly(Some(call_under_way.clone()));
        let sent = glue::send(
            self.caller(),
            &call_under_way,
            &fetcher,
            url,
            &headers,
            call.body,
            open,
            ms(call.timeout_ms),
            LONGEST_ANSWER,
            LONGEST_ERROR,
        );
        let value = sent.await.map_err(|_| SendError::Unreachable)?;
        ended_early.0 = None;
        if value.is_object() {
            return Ok(reply(value.unchecked_into()));
        }
        if let Some(text) = value.as_string() {
            return Err(SendError::Thrown(text));
        }
        Err(if is_code(&value, TIMED_OUT) {
            SendError::TimedOut
        } else if is_code(&value, CALLER_LEFT) {
            SendError::CallerLeft
        } else if is_code(&value, TOO_LONG) {
            SendError::TooLong
        } else {
            SendError::Unreachable
        })
    }

    async fn read(&self, body: &mut Open, timeout_ms: u64) -> Result<Option<Vec<u8>>, Broken> {
        let value = glue::read(self.caller(), &body.0, ms(timeout_ms))
            .await
            .map_err(|_| Broken::Reset)?;
        if value.is_null() {
            return Ok(None);
        }
        if is_code(&value, TIMED_OUT) {
            return Err(Broken::TimedOut);
        }
        if is_code(&value, CALLER_LEFT) {
            return Err(Broken::CallerLeft);
        }
        bytes_of(&value).map(Some).ok_or(Broken::Reset)
    }

    fn outlet(&self) -> (glue::Way, glue::Way) {
        let way = glue::outlet(self.caller());
        let same: JsValue = way.clone().into();
        (way, same.unchecked_into())
    }

    async fn write(&self, outlet: &glue::Way, bytes: &[u8]) -> Result<(), CallerLeft> {
        if bytes.is_empty() {
            return Ok(());
        }
        match glue::write(outlet, js_sys::Uint8Array::from(bytes)).await {
            Ok(value) if value.is_truthy() => Ok(()),
            _ => Err(CallerLeft),
        }
    }

    async fn close(&self, outlet: glue::Way) {
        // It resolves when the caller has read all, or has left; both are an end.
        let _ = glue::close(&outlet).await;
    }

    async fn pump(
        &self,
        body: Open,
        outlet: &glue::Way,
        relay: &Rc<RefCell<Relay>>,
        pace: Pace,
    ) -> Pumped {
        let (feeding, taking) = (Rc::clone(relay), Rc::clone(relay));
        let feed: Closure<dyn FnMut(Vec<u8>) -> u32> =
            Closure::new(move |bytes: Vec<u8>| feed(&mut feeding.borrow_mut(), &bytes));
        let take: Closure<dyn FnMut() -> Vec<u8>> =
            Closure::new(move || taking.borrow_mut().take());
        let pumped = glue::pump(
            &body.0,
            outlet,
            feed.as_ref(),
            take.as_ref(),
            ms(pace.stall_ms),
            ms(pace.coda_ms),
            ms(pace.heartbeat_ms),
            HEARTBEAT,
            ms(pace.deadline),
        )
        .await;
        pumped_of(pumped.ok().and_then(|value| value.as_f64()))
    }

    async fn pass(&self, body: Open, outlet: &glue::Way, deadline: u64) -> Pumped {
        let left = deadline.saturating_sub(self.now());
        let passed = glue::pass(&body.0, outlet, ms(left)).await;
        pumped_of(passed.ok().and_then(|value| value.as_f64()))
    }

    async fn look(&self, target: &Target, url: &str, timeout_ms: u64) -> Look {
        let Some(fetcher) = self.fetcher(target, url) else {
            return Look::Nothing;
        };
        let headers = headers_of(target);
        let seen = glue::look(&fetcher, url, &headers, ms(timeout_ms), LONGEST_LOOK).await;
        let seen = seen.unwrap_or(JsValue::NULL);
        match (bytes_of(&seen), seen.as_f64()) {
            (Some(body), _) => Look::Body(body),
            (None, Some(status)) => Look::Status(self::status(status)),
            (None, None) => Look::Nothing,
        }
    }

    fn after(&self, work: impl Future<Output = ()> + 'static) {
        match &self.0.event {
            Event::Cron(context) => context.wait_until(work),
            Event::Request(_, context) => context.wait_until(work),
        }
    }

    async fn shared(&self, targets: &[&str], servers: &[&str]) -> Option<Told> {
        breakers::read(&self.0.env, targets, servers).await
    }

    async fn share_breaker(&self, target: &str, shared: &Shared) {
        breakers::write(&self.0.env, target, shared).await;
    }

    async fn lock(&self, name: &str, message: &lease::Message) -> Option<lease::Reply> {
        let namespace = binding(&self.0.env, lock::BINDING);
        let text = serde_json::to_string(message).ok()?;
        let patience = match message {
            // It waits for a slot, and whoever asks has a limit of its own.
            lease::Message::Ask(_) => 0.0,
            lease::Message::Free
            | lease::Message::Look
            | lease::Message::Release { .. }
            | lease::Message::Renew { .. } => OBJECT_MS,
        };
        let said = glue::say(&namespace, name, &text, patience).await.ok()?;
        serde_json::from_str(&said.as_string()?).ok()
    }

    async fn gather(&self, ms: u64) {
        // One that fails would be one that is over.
        let _ = glue::pause(self::ms(ms)).await;
    }

    async fn ledger(&self, message: &Message) -> Option<String> {
        let namespace = binding(&self.0.env, ledger::BINDING);
        let text = serde_json::to_string(message).ok()?;
        let said = glue::say(&namespace, ledger::NAME, &text, OBJECT_MS)
            .await
            .ok()?;
        said.as_string()
    }

    async fn share_boxes(&self, boxes: &Boxes) {
        boxes::write(&self.0.env, boxes).await;
    }

    fn log(&self, line: &str) {
        worker::console_log!("{line}");
    }
}

/// Flags for `glue.js`: 1 the same bytes, 2 something was said, 4 no more is wanted, 8 the choices have
/// ended.
fn feed(relay: &mut Relay, bytes: &[u8]) -> u32 {
    let same = match relay.feed(bytes) {
        Fed::Same => 1,
        Fed::Other => 0,
    };
    let heard = match relay.sound() {
        Sound::Heard => 2,
        Sound::Silent => 0,
    };
    let enough = if relay.wants_more() { 0 } else { 4 };
    let coda = if *relay.standing() == Standing::Finished {
        8
    } else {
        0
    };
    same | heard | enough | coda
}

/// The ends of `pump` in `glue.js`.
fn pumped_of(code: Option<f64>) -> Pumped {
    match code {
        Some(0.0) => Pumped::CallerLeft,
        Some(1.0) => Pumped::Deadline,
        Some(2.0) => Pumped::Ended,
        Some(3.0) => Pumped::Enough,
        Some(5.0) => Pumped::Stalled,
        _ => Pumped::Reset,
    }
}

fn reply(answer: glue::Answer) -> Reply<Open> {
    let head = answer.head();
    let mut lines = head.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let status = next().parse().unwrap_or_default();
    let mut header = || {
        Some(next())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let headers = ReplyHeaders {
        content_type: header(),
        location: header(),
        retry_after: header(),
        retry_after_ms: header(),
        should_retry: header(),
        cf_error_type: header(),
    };
    let body = match answer.bytes() {
        Some(bytes) => ReplyBody::Whole(bytes.to_vec()),
        None => ReplyBody::Open(Open(answer)),
    };
    Reply {
        status,
        headers,
        body,
    }
}

/// The headers that every call to this target carries. Nothing of the caller's is among them.
fn headers_of(target: &Target) -> web_sys::Headers {
    HEADERS.with_borrow_mut(|made| {
        if let Some(headers) = made.get(&target.name) {
            return headers.clone();
        }
        let mut lines = String::from("content-type\napplication/json\n");
        lines.push_str("accept\napplication/json, text/event-stream, application/x-ndjson\n");
        lines.push_str(concat!(
            "user-agent\npilotlight/",
            env!("CARGO_PKG_VERSION"),
            "\n"
        ));
        let key = match &target.key {
            Key::Present(key) => Some(key.expose()),
            Key::Missing(_) | Key::None => None,
        };
        for (name, value) in target.provider.headers(key) {
            let _ = write!(lines, "{name}\n{value}\n");
        }
        if let Some((id, secret)) = &target.access {
            let _ = write!(
                lines,
                "cf-access-client-id\n{}\ncf-access-client-secret\n{}\n",
                id.expose(),
                secret.expose()
            );
        }
        let headers = glue::target_headers(&lines);
        made.insert(target.name.clone(), headers.clone());
        headers
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a status has three digits"
)]
fn status(status: f64) -> u16 {
    status as u16
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds, far below 2^52")]
fn ms(ms: u64) -> f64 {
    ms as f64
}
