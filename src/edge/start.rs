//! From the runtime's request and bindings to the gateway's values, and from its answer back.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use wasm_bindgen::{JsCast as _, JsValue};
use worker::Env;

use crate::config::{self, Environment, Mistake};
use crate::edge::glue::{self, Way};
use crate::gateway::{Answer, AnswerBody, Head, Isolate};

thread_local! {
    static ISOLATE: RefCell<Option<Rc<Isolate>>> = const { RefCell::new(None) };
}

/// What this isolate knows; the configuration is parsed when the first request asks.
pub(super) fn isolate(env: &Env) -> Rc<Isolate> {
    ISOLATE.with_borrow_mut(|slot| {
        Rc::clone(slot.get_or_insert_with(|| Rc::new(Isolate::new(parse_config(env)))))
    })
}

fn parse_config(env: &Env) -> Result<config::Config, Vec<Mistake>> {
    let value = binding(env, "PILOTLIGHT");
    let text = match value.as_string() {
        Some(text) => Some(text),
        None if value.is_object() => js_sys::JSON::stringify(&value)
            .ok()
            .and_then(|text| text.as_string()),
        None => None,
    };
    let Some(text) = text else {
        return Err(vec![Mistake {
            path: "PILOTLIGHT".to_owned(),
            problem:
                "it is not set: wrangler.toml needs the table [vars.PILOTLIGHT], or a variable \
                      of that name with its JSON"
                    .to_owned(),
        }]);
    };
    let secret = |name: &str| {
        binding(env, name)
            .as_string()
            .filter(|secret| !secret.trim().is_empty())
    };
    let environment = Environment {
        secret: &secret,
        bound: &|name| fetches(&binding(env, name)),
    };
    config::parse_in(&text, &environment)
}

/// Whether a binding is a service that fetches.
fn fetches(value: &JsValue) -> bool {
    let fetch = js_sys::Reflect::get(value, &JsValue::from_str("fetch"));
    value.is_object() && fetch.is_ok_and(|fetch| fetch.is_function())
}

/// What the environment holds under a name; undefined where it holds nothing.
pub(super) fn binding(env: &Env, name: &str) -> JsValue {
    js_sys::Reflect::get(env, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// The request's head.
pub(super) fn head(request: &web_sys::Request) -> Head {
    let lines = glue::request_head(request);
    let mut lines = lines.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let method = next().to_owned();
    let (host, path, query) = parts(next());
    let mut header = || {
        Some(next())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    Head {
        method,
        path: path.to_owned(),
        query: query.map(str::to_owned),
        host: host.to_owned(),
        authorization: header(),
        content_type: header(),
        content_length: header().and_then(|text| text.parse().ok()),
        origin: header(),
        truncate: header(),
        timeout: header(),
        drill: header(),
        mode: header(),
        privacy: header(),
        client_ip: header(),
        stranger: header(),
    }
}

/// The parts of an absolute address as the runtime writes it: normal form, never with credentials.
fn parts(url: &str) -> (&str, &str, Option<&str>) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(cut).unwrap_or((rest, ""));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let path = path.split('#').next().unwrap_or_default();
    match path.split_once('?') {
        Some((path, query)) => (host, path, Some(query)),
        None => (host, path, None),
    }
}

/// The runtime's response.
pub(super) fn respond(answer: Answer<Way>) -> web_sys::Response {
    let mut lines = String::with_capacity(512);
    for (name, value) in &answer.headers {
        let _ = write!(lines, "{name}\n{value}\n");
    }
    match answer.body {
        AnswerBody::Bytes(bytes) => glue::respond(answer.status, &lines, Some(&bytes)),
        AnswerBody::Empty => glue::respond(answer.status, &lines, None),
        AnswerBody::Stream(way) => glue::respond_stream(answer.status, &lines, &way),
    }
}

/// Whether a value from `glue.js` is the number `code`.
pub(super) fn is_code(value: &JsValue, code: f64) -> bool {
    value.as_f64() == Some(code)
}

/// The bytes of a value from `glue.js`, when it is an array of them.
pub(super) fn bytes_of(value: &JsValue) -> Option<Vec<u8>> {
    value
        .dyn_ref::<js_sys::Uint8Array>()
        .map(js_sys::Uint8Array::to_vec)
}
