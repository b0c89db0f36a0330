//! `glue.js`, as Rust sees it.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/edge/glue.js")]
extern "C" {
    /// An upstream's answer whose body is still coming: `{head, body, reader, controller}`; or a whole
    /// one: `{head, bytes}`.
    #[derive(Debug)]
    pub(super) type Answer;

    #[wasm_bindgen(method, getter)]
    pub(super) fn head(this: &Answer) -> String;

    #[wasm_bindgen(method, getter)]
    pub(super) fn bytes(this: &Answer) -> Option<js_sys::Uint8Array>;

    /// The caller, as far as its connection goes: `{left, ends}`.
    #[derive(Clone, Debug)]
    pub(super) type Caller;

    #[wasm_bindgen(method, getter)]
    pub(super) fn left(this: &Caller) -> bool;

    pub(super) fn caller(request: &web_sys::Request) -> Caller;

    pub(super) fn nobody() -> Caller;

    #[wasm_bindgen(catch)]
    pub(super) async fn sleep(caller: &Caller, ms: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn gone(request: &web_sys::Request) -> Result<JsValue, JsValue>;

    /// A way to the caller: `{readable, writable, writer, caller}`.
    #[derive(Clone, Debug)]
    pub(super) type Way;

    #[wasm_bindgen(js_name = head)]
    pub(super) fn request_head(request: &web_sys::Request) -> String;

    #[wasm_bindgen(catch, js_name = body)]
    pub(super) async fn request_body(
        request: &web_sys::Request,
        limit: f64,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = targetHeaders)]
    pub(super) fn target_headers(lines: &str) -> web_sys::Headers;

    /// A call that can be ended before its answer is here.
    #[derive(Clone, Debug)]
    pub(super) type Call;

    pub(super) fn call() -> Call;

    pub(super) fn end(call: &Call);

    #[wasm_bindgen(catch)]
    pub(super) async fn look(
        fetcher: &JsValue,
        url: &str,
        headers: &web_sys::Headers,
        timeout_ms: f64,
        most: f64,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn pause(ms: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) fn atomically(
        storage: &JsValue,
        work: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn say(
        namespace: &JsValue,
        name: &str,
        text: &str,
        timeout_ms: f64,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn pass(open: &Answer, way: &Way, left_ms: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn send(
        caller: &Caller,
        call: &Call,
        fetcher: &JsValue,
        url: &str,
        headers: &web_sys::Headers,
        body: &[u8],
        open: bool,
        timeout_ms: f64,
        most: f64,
        most_of_error: f64,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn read(
        caller: &Caller,
        open: &Answer,
        timeout_ms: f64,
    ) -> Result<JsValue, JsValue>;

    pub(super) fn abort(open: &Answer);

    pub(super) fn outlet(caller: &Caller) -> Way;

    #[wasm_bindgen(catch)]
    pub(super) async fn write(way: &Way, bytes: js_sys::Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn close(way: &Way) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) async fn pump(
        open: &Answer,
        way: &Way,
        feed: &JsValue,
        take: &JsValue,
        stall_ms: f64,
        coda_ms: f64,
        beat_ms: f64,
        beat: &str,
        deadline: f64,
    ) -> Result<JsValue, JsValue>;

    pub(super) fn respond(status: u16, lines: &str, body: Option<&[u8]>) -> web_sys::Response;

    #[wasm_bindgen(js_name = respondStream)]
    pub(super) fn respond_stream(status: u16, lines: &str, way: &Way) -> web_sys::Response;
}
