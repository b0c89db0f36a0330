//! Why an attempt did not answer: one closed list, in the words that headers, bodies and logs use.
//!
//! # Why one list
//!
//! The caller, the log reader and the metric all need the same low-cardinality word. Text from an
//! upstream never goes in here: it can hold account ids and pieces of keys.

/// Why a target was skipped, or why an attempt at it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Cloudflare Access turned the gateway away (service token missing, wrong or expired).
    AccessDenied,
    /// The whole attempt took longer than `attempt_timeout`.
    AttemptTimeout,
    /// The box that the target runs on is known to be away.
    BoxAway,
    /// The target's breaker is open.
    BreakerOpen,
    /// The caller left before there was an answer.
    CallerLeft,
    /// The upstream's provider withheld an answer on policy grounds.
    ContentPolicy,
    /// The upstream refused the prompt as larger than its window.
    ContextOverflow,
    /// The upstream refused the gateway's credential.
    Credential,
    /// The request's own deadline passed.
    Deadline,
    /// The upstream answered 200 with nothing in it.
    Empty,
    /// Ollama's stream closed in order but never said `done`.
    EndedWithoutDone,
    /// Ollama's engine failed in the middle of an answer, or could not start.
    EngineError,
    /// No token came within `first_token_timeout`.
    FirstTokenTimeout,
    /// No response headers came within `headers_timeout`.
    HeadersTimeout,
    /// The box at home serves as many requests as it may already.
    HomeBusy,
    /// Ollama refused the Host or Origin header (403 with an empty body).
    HostRefused,
    /// An error came inside a 200 answer.
    InStreamError,
    /// The box handed a private request on to a cloud: its answer says so.
    LeftHome,
    /// The box was still loading its model when `load_timeout` passed.
    ModelLoading,
    /// The model at home is one that the box hands on to a cloud, and the request is private.
    Forwarded,
    /// The upstream does not have the model.
    ModelMissing,
    /// No service is bound under the name of the target's `binding`.
    NoBinding,
    /// The target's secret is not set.
    NoKey,
    /// The target was to go on with a broken answer, but told another one.
    NoSplice,
    /// The answer is not of the dialect: HTML, or not JSON.
    NotAnApi,
    /// The tunnel reached the machine, but nothing listens there.
    OriginRefused,
    /// Another target that was asked at the same time spoke first.
    Outpaced,
    /// The upstream is overloaded or broken (5xx).
    Overloaded,
    /// The upstream wants to send the gateway elsewhere.
    Redirected,
    /// The request is private, and the target is not at home.
    Private,
    /// The upstream refused the request as written.
    Rejected,
    /// The upstream's account has no credit or has reached a spend limit.
    SpendLimit,
    /// Ollama's queue is full.
    ServerBusy,
    /// The stream was silent for longer than `stall_timeout`.
    Stalled,
    /// The stream ended before the answer did.
    StreamCut,
    /// The upstream throttles.
    Throttled,
    /// The conversation does not fit the target's window and must not be cut, or cannot be.
    TooLong,
    /// Cloudflare's edge has no tunnel to the box.
    TunnelDown,
    /// The box sent no headers before Cloudflare's edge gave up (524).
    TunnelTimeout,
    /// It could not be made sure that the model is one of the box's own, and the request is private.
    Unverified,
    /// The upstream could not be reached, or the connection broke before an answer.
    Unreachable,
    /// The target cannot serve a field of the request.
    Unsupported,
}

impl Reason {
    /// The word for headers, bodies, logs and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::AttemptTimeout => "attempt_timeout",
            Self::BoxAway => "box_away",
            Self::BreakerOpen => "breaker_open",
            Self::CallerLeft => "caller_left",
            Self::ContentPolicy => "content_policy",
            Self::ContextOverflow => "context_overflow",
            Self::Credential => "credential",
            Self::Deadline => "deadline",
            Self::Empty => "empty",
            Self::EndedWithoutDone => "ended_without_done",
            Self::EngineError => "engine_error",
            Self::FirstTokenTimeout => "first_token_timeout",
            Self::Forwarded => "forwarded",
            Self::HeadersTimeout => "headers_timeout",
            Self::HomeBusy => "home_busy",
            Self::HostRefused => "host_refused",
            Self::InStreamError => "in_stream_error",
            Self::LeftHome => "left_home",
            Self::ModelLoading => "model_loading",
            Self::ModelMissing => "model_missing",
            Self::NoBinding => "no_binding",
            Self::NoKey => "no_key",
            Self::NoSplice => "no_splice",
            Self::NotAnApi => "not_an_api",
            Self::OriginRefused => "origin_refused",
            Self::Outpaced => "outpaced",
            Self::Overloaded => "overloaded",
            Self::Private => "private",
            Self::Redirected => "redirected",
            Self::Rejected => "rejected",
            Self::ServerBusy => "server_busy",
            Self::SpendLimit => "spend_limit",
            Self::Stalled => "stalled",
            Self::StreamCut => "stream_cut",
            Self::Throttled => "throttled",
            Self::TooLong => "too_long",
            Self::TunnelDown => "tunnel_down",
            Self::TunnelTimeout => "tunnel_timeout",
            Self::Unreachable => "unreachable",
            Self::Unverified => "unverified",
            Self::Unsupported => "unsupported",
        }
    }

    /// Whether the request could never have been the target's, whatever its state.
    pub const fn is_struck(self) -> bool {
        matches!(
            self,
            Self::Forwarded | Self::NoBinding | Self::NoKey | Self::Private
        )
    }

    /// Whether the target was passed over without being asked.
    pub const fn is_passed_over(self) -> bool {
        matches!(
            self,
            Self::BoxAway
                | Self::BreakerOpen
                | Self::Forwarded
                | Self::HomeBusy
                | Self::NoBinding
                | Self::NoKey
                | Self::Private
                | Self::TooLong
                | Self::Unsupported
                | Self::Unverified
        )
    }

    /// Whether the attempt ran out of time.
    pub const fn is_timeout(self) -> bool {
        matches!(
            self,
            Self::AttemptTimeout
                | Self::Deadline
                | Self::FirstTokenTimeout
                | Self::HeadersTimeout
                | Self::ModelLoading
                | Self::Stalled
                | Self::TunnelTimeout
        )
    }
}

/// What an upstream's error says, in words that `policy::classify` can decide on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status; 200 for an error inside an answer.
    pub status: u16,
    /// Machine codes, most telling first (`error.code`, `error.type`, `metadata.error_type`, ...).
    pub codes: Vec<String>,
    /// The field that the upstream blames (`error.param`).
    pub param: Option<String>,
    /// The human text. Never shown to a caller unless the fault is the caller's own.
    pub message: String,
    /// What the dialect itself recognised, where its words leave no doubt.
    pub known: Option<Reason>,
    /// How many tokens the upstream counted in the prompt, where an overflow tells it.
    pub prompt_tokens: Option<u64>,
    /// How long the upstream asks to wait, in milliseconds, where its headers or its body say so.
    pub wait_ms: Option<u64>,
}

impl Fault {
    /// An error answer that is not of the dialect: what it says is its first 400 bytes.
    pub fn unread(status: u16, body: &[u8]) -> Self {
        const HEAD: usize = 400;

        let head = body.get(..HEAD).unwrap_or(body);
        Self {
            status,
            message: String::from_utf8_lossy(head).into_owned(),
            ..Self::default()
        }
    }

    /// A fault that the dialect recognised by itself inside a 200 answer.
    pub fn known(reason: Reason) -> Self {
        Self {
            status: 200,
            known: Some(reason),
            ..Self::default()
        }
    }
}
