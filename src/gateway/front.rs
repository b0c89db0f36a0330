//! The HTTP front: paths, methods, limits, CORS, and the caller's own wishes in headers.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::config::settings::Truncate;
use crate::config::{Config, Mistake, Mode, Origins, Privacy};
use crate::error::{Downstream, ErrorAnswer};
use crate::gateway::admin;
use crate::gateway::answer::{Answer, AnswerBody};
use crate::openai::json::Writer;

/// A request without its body: what the gateway reads of it.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, where there is one, without its question mark.
    pub query: Option<String>,
    /// The host name that the request was sent to, without the port.
    pub host: String,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// `Origin`.
    pub origin: Option<String>,
    /// `x-pilotlight-truncate`.
    pub truncate: Option<String>,
    /// `x-pilotlight-timeout`.
    pub timeout: Option<String>,
    /// `x-pilotlight-drill`.
    pub drill: Option<String>,
    /// `x-pilotlight-mode`.
    pub mode: Option<String>,
    /// `x-pilotlight-privacy`; some text where the header is there and says nothing.
    pub privacy: Option<String>,
    /// The sender's address, where the runtime tells it (`CF-Connecting-IP`).
    pub client_ip: Option<String>,
    /// The name of a header that begins with `x-pilotlight-` and is none that the gateway knows.
    pub stranger: Option<String>,
}

/// What a path stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    /// Whatever the operator wants; `admin` knows its paths.
    Admin,
    Chat,
    Health,
    Model(Cow<'a, str>),
    Models,
}

impl Endpoint<'_> {
    /// The only method that it takes, where it is one.
    const fn method(&self) -> Option<&'static str> {
        match self {
            Self::Admin => None,
            Self::Chat => Some("POST"),
            Self::Health | Self::Model(_) | Self::Models => Some("GET"),
        }
    }
}

/// The endpoint at a path.
fn at_path(path: &str) -> Option<Endpoint<'_>> {
    match path.trim_end_matches('/') {
        "/healthz" => Some(Endpoint::Health),
        "/v1/chat/completions" => Some(Endpoint::Chat),
        "/v1/models" => Some(Endpoint::Models),
        path if path.starts_with(admin::PREFIX) => Some(Endpoint::Admin),
        path => {
            let id = path.strip_prefix("/v1/models/")?;
            // The SDKs encode what a path cannot hold, a slash in a name for one.
            Some(Endpoint::Model(percent_decode_str(id).decode_utf8_lossy()))
        }
    }
}

/// The method for the header `Allow`, which an answer 405 must have (RFC 9110, section 15.5.6).
pub(super) fn allowed(head: &Head) -> Option<String> {
    match at_path(&head.path)?.method() {
        Some(method) => Some(method.to_owned()),
        None => admin::allowed(&head.path),
    }
}

/// Finds the endpoint of a path and checks its method.
pub(super) fn endpoint(head: &Head) -> Result<Endpoint<'_>, ErrorAnswer> {
    let path = &head.path;
    let endpoint = at_path(path).ok_or_else(|| no_such_path(path))?;
    if let Some(method) = endpoint.method()
        && head.method != method
    {
        return Err(Downstream {
            status: 405,
            code: Some("method_not_allowed"),
            param: None,
            message: format!("{path} takes {method}, not {}", head.method),
        }
        .into());
    }
    Ok(endpoint)
}

fn no_such_path(path: &str) -> ErrorAnswer {
    Downstream {
        status: 404,
        code: Some("unknown_url"),
        param: None,
        message: format!(
            "there is nothing at {path}; there are POST /v1/chat/completions, GET /v1/models, \
             GET /v1/models/{{id}}, GET /healthz and the admin API (GET /admin/status and others)"
        ),
    }
    .into()
}

/// How much of the name of a header is told, in bytes.
const LONGEST_NAME: usize = 64;

/// Refuses a wish that nobody understands: `x-pilotlight-private: home` may be meant to keep a request
/// at home, and must not be passed over.
pub(super) fn check_wishes(head: &Head) -> Result<(), Downstream> {
    let Some(name) = head.stranger.as_deref() else {
        return Ok(());
    };
    // It is logged, and the caller's to choose.
    let name = name.get(..LONGEST_NAME).unwrap_or(name);
    Err(Downstream::field(
        name,
        format!(
            "the header {name} is not known: there are x-pilotlight-drill, x-pilotlight-mode, \
             x-pilotlight-privacy, x-pilotlight-timeout and x-pilotlight-truncate"
        ),
    ))
}

/// Checks type and length before the body is read.
pub(super) fn check_body_headers(head: &Head, limit: usize) -> Result<(), Downstream> {
    let json = head.content_type.as_deref().is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    });
    if !json {
        return Err(Downstream {
            status: 415,
            code: Some("unsupported_media_type"),
            param: None,
            message: "the Content-Type is not 'application/json'".to_owned(),
        });
    }
    match head.content_length {
        Some(length) if usize::try_from(length).map_or(true, |length| length > limit) => {
            Err(too_large(limit))
        }
        _ => Ok(()),
    }
}

pub(super) fn too_large(limit: usize) -> Downstream {
    Downstream {
        status: 413,
        code: Some("request_too_large"),
        param: None,
        message: format!("the request body is larger than {limit} bytes (the setting max_body)"),
    }
}

/// How long the request may take, in milliseconds.
pub(super) fn time_allowed(head: &Head, config: &Config) -> Result<u64, Downstream> {
    let Some(text) = head.timeout.as_deref() else {
        return Ok(config.deadline_ms);
    };
    match text.trim().parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds > 0.0 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast from f64 saturates, and the number is above 0"
            )]
            let ms = (seconds * 1_000.0).ceil() as u64;
            Ok(ms.min(config.deadline_max_ms))
        }
        _ => Err(Downstream::field(
            "x-pilotlight-timeout",
            format!(
                "the header x-pilotlight-timeout is '{text}': it should be a number of seconds above 0"
            ),
        )),
    }
}

/// Whether the caller allows its conversation to be cut.
pub(super) fn truncate(head: &Head) -> Result<Truncate, Downstream> {
    match head.truncate.as_deref().map(str::trim) {
        None | Some("auto") => Ok(Truncate::Auto),
        Some("never") => Ok(Truncate::Never),
        Some(other) => Err(Downstream::field(
            "x-pilotlight-truncate",
            format!(
                "the header x-pilotlight-truncate is '{other}': it should be 'auto' or 'never'"
            ),
        )),
    }
}

/// What becomes of an answer that breaks off, where the caller says.
pub(super) fn mode(head: &Head) -> Result<Option<Mode>, Downstream> {
    let Some(text) = head.mode.as_deref().map(str::trim) else {
        return Ok(None);
    };
    Mode::named(text).map(Some).ok_or_else(|| {
        Downstream::field(
            "x-pilotlight-mode",
            format!(
                "the header x-pilotlight-mode is '{text}': it should be 'takeover', 'hold' or 'error'"
            ),
        )
    })
}

/// Whether the caller says that its request stays at home. Whatever else it says is refused: it may
/// have been meant so.
pub(super) fn privacy(head: &Head) -> Result<Privacy, Downstream> {
    match head.privacy.as_deref().map(str::trim) {
        None => Ok(Privacy::Open),
        Some("home") => Ok(Privacy::Home),
        Some(other) => Err(Downstream::field(
            "x-pilotlight-privacy",
            format!(
                "the header x-pilotlight-privacy is '{other}': it should be 'home', or not be there"
            ),
        )),
    }
}

/// The body of `GET /healthz`.
pub(super) fn healthy() -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Writer::new(&mut out);
    object
        .text("status", "ok")
        .text("version", env!("CARGO_PKG_VERSION"));
    object.end();
    out
}

/// The answer to a CORS preflight; [`put_cors`] adds whether it is granted.
pub(super) fn preflight<S>() -> Answer<S> {
    let mut answer = Answer {
        status: 204,
        headers: Vec::new(),
        body: AnswerBody::Empty,
    };
    answer.header("access-control-allow-methods", "GET, POST, DELETE, OPTIONS");
    // The gateway's own, and all that OpenAI's Node SDK 7.55 can send: one that is missing here makes
    // a browser refuse the whole request.
    answer.header(
        "access-control-allow-headers",
        "authorization, content-type, x-pilotlight-drill, x-pilotlight-mode, \
         x-pilotlight-privacy, x-pilotlight-timeout, x-pilotlight-truncate, \
         idempotency-key, openai-beta, openai-organization, openai-project, x-stainless-arch, \
         x-stainless-custom-poll-interval, x-stainless-helper-method, x-stainless-lang, \
         x-stainless-os, x-stainless-package-version, x-stainless-poll-helper, \
         x-stainless-retry-count, x-stainless-runtime, x-stainless-runtime-version, \
         x-stainless-timeout",
    );
    answer.header("access-control-max-age", "86400");
    answer
}

/// Lets a page of an allowed origin read the answer, disclosure included.
pub(super) fn put_cors<S>(answer: &mut Answer<S>, config: &Config, head: &Head) {
    let Some(origin) = head.origin.as_deref() else {
        return;
    };
    match &config.origins {
        Origins::Any => answer.header("access-control-allow-origin", "*"),
        Origins::Listed(list) => {
            answer.header("vary", "origin");
            if !list.iter().any(|allowed| allowed == origin) {
                return;
            }
            answer.header("access-control-allow-origin", origin);
        }
    }
    answer.header(
        "access-control-expose-headers",
        "retry-after, x-pilotlight-attempts, x-pilotlight-cost-usd, x-pilotlight-dropped, \
         x-pilotlight-model, x-pilotlight-private, x-pilotlight-request-id, x-pilotlight-target, \
         x-pilotlight-truncated, x-request-id",
    );
}

/// A configuration with mistakes: every one of them.
pub(super) fn misconfigured(mistakes: &[Mistake]) -> ErrorAnswer {
    let mut pilotlight = Vec::new();
    let mut object = Writer::new(&mut pilotlight);
    let list = object.name("mistakes");
    list.push(b'[');
    for (at, mistake) in mistakes.iter().enumerate() {
        if at > 0 {
            list.push(b',');
        }
        let mut entry = Writer::new(list);
        entry
            .text("path", &mistake.path)
            .text("problem", &mistake.problem);
        entry.end();
    }
    list.push(b']');
    object.end();
    let told: Vec<String> = mistakes
        .iter()
        .map(|mistake| format!("{}: {}", mistake.path, mistake.problem))
        .collect();
    ErrorAnswer {
        status: 500,
        kind: "configuration_error",
        code: Some("configuration_error".to_owned()),
        param: None,
        message: format!("the configuration is wrong. {}", told.join(". ")),
        pilotlight: Some(String::from_utf8_lossy(&pilotlight).into_owned()),
    }
}
