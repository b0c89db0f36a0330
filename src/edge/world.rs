//! The world on Workers: [`Platform`] by way of `glue.js`.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::{Context, Env};

use crate::config::{Key, Target};
use crate::edge::start::{bytes_of, is_code};
use crate::edge::{breakers, glue};
use crate::platform::{
    BodyError, Broken, Call, CallerLeft, HEARTBEAT, Pace, Platform, Pumped, Reply, ReplyBody,
    ReplyHeaders, SendError, Taking,
};
use crate::policy::breaker::Shared;
use crate::stream::relay::{Fed, Relay, Sound, Standing};

/// What `glue.js` answers in place of an answer.
const TIMED_OUT: f64 = 2.0;
const CALLER_LEFT: f64 = 3.0;
const TOO_LONG: f64 = 4.0;

/// The most bytes of a whole answer: an isolate has 128 MB for all of its requests.
const LONGEST_ANSWER: f64 = 33_554_432.0;

/// The most bytes of an error that are read; what it says stands at its start.
const LONGEST_ERROR: f64 = 65_536.0;

thread_local! {
    /// Each target's headers, made once an isolate.
    static HEADERS: RefCell<BTreeMap<String, web_sys::Headers>> = const { RefCell::new(BTreeMap::new()) };
}

/// The world of one request.
#[derive(Clone)]
pub(super) struct World(Rc<Inner>);

struct Inner {
    request: web_sys::Request,
    caller: OnceCell<glue::Caller>,
    env: Env,
    context: Context,
}

impl World {
    pub(super) fn new(request: web_sys::Request, env: Env, context: Context) -> Self {
        Self(Rc::new(Inner {
            request,
            caller: OnceCell::new(),
            env,
            context,
        }))
    }

    /// The caller's connection, watched from the first time that something waits.
    fn caller(&self) -> &glue::Caller {
        self.0.caller.get_or_init(|| glue::caller(&self.0.request))
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
        match glue::request_body(&self.0.request, limit).await {
            Ok(value) => bytes_of(&value).ok_or(BodyError::TooLarge),
            Err(_) => Err(BodyError::Broken),
        }
    }

    async fn send(&self, call: Call<'_>) -> Result<Reply<Open>, SendError> {
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
            &call.target.url,
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

    async fn look(&self, target: &Target, url: &str, timeout_ms: u64) -> Option<Vec<u8>> {
        let headers = headers_of(target);
        let seen = glue::look(url, &headers, ms(timeout_ms), LONGEST_ERROR).await;
        bytes_of(&seen.ok()?)
    }

    fn after(&self, work: impl Future<Output = ()> + 'static) {
        self.0.context.wait_until(work);
    }

    async fn shared_breakers(&self, targets: &[&str]) -> Option<Vec<(String, Shared)>> {
        breakers::read(&self.0.env, targets).await
    }

    async fn share_breaker(&self, target: &str, shared: &Shared) {
        breakers::write(&self.0.env, target, shared).await;
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
        if let Key::Present(key) = &target.key {
            let _ = write!(lines, "authorization\nBearer {}\n", key.expose());
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

#[expect(clippy::cast_precision_loss, reason = "milliseconds, far below 2^52")]
fn ms(ms: u64) -> f64 {
    ms as f64
}
