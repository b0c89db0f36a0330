// What the gateway does in the runtime itself, one call a step: plain values in, plain values out.
//
// It reads and writes and keeps time limits. It decides nothing: which limit, which target, what an
// answer means and what goes to the caller are all Rust's.

// Rust's futures are woken by this function, several times a request. The runtime's own makes a native
// function each time, which costs more than all that a small request does in wasm; a promise is next
// to free. Errors go where the runtime's would send them, because that is how a broken module is
// noticed and made anew.
globalThis.queueMicrotask = (task) => {
  Promise.resolve().then(() => {
    try {
      task();
    } catch (error) {
      reportError(error);
    }
  });
};

/// The request's head as lines, so that it crosses into wasm at once.
export function head(request) {
  const headers = request.headers;
  const privacy = headers.get("x-pilotlight-privacy");
  return [
    request.method,
    request.url,
    headers.get("authorization"),
    headers.get("content-type"),
    headers.get("content-length"),
    headers.get("origin"),
    headers.get("x-pilotlight-truncate"),
    headers.get("x-pilotlight-timeout"),
    headers.get("x-pilotlight-drill"),
    headers.get("x-pilotlight-mode"),
    // One that is there and says nothing is not one that is not there.
    privacy === "" ? "nothing" : privacy,
    headers.get("cf-connecting-ip"),
    stranger(headers),
  ].join("\n");
}

const OURS = "x-pilotlight-";
const KNOWN = new Set(["drill", "mode", "privacy", "timeout", "truncate"].map((word) => OURS + word));

/// A header that is called as the gateway's own are and is none of them, or null.
function stranger(headers) {
  for (const name of headers.keys()) if (name.startsWith(OURS) && !KNOWN.has(name)) return name;
  return null;
}

/// The request's body, or null when it is larger than the limit. Rejects when it breaks off.
export async function body(request, limit) {
  if (isWithin(limit, request)) return new Uint8Array(await request.arrayBuffer());
  const { bytes, whole } = await gathered(request, limit);
  return whole ? bytes : null;
}

/// Whether a message says that its body is no longer than `most` bytes. What is packed does not say.
function isWithin(most, { headers }) {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= most && !headers.has("content-encoding");
}

/// The first `most` bytes of a message's body, and whether that is all of it. Never holds more.
async function gathered(message, most) {
  const chunks = [];
  let length = 0;
  let whole = true;
  if (message.body) {
    // Leaving the loop early cancels the rest.
    for await (const chunk of message.body) {
      const part = length + chunk.length > most ? chunk.subarray(0, most - length) : chunk;
      whole = part === chunk;
      chunks.push(part);
      length += part.length;
      if (!whole) break;
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { bytes, whole };
}

/// Watches the caller's connection. In `ends` stands whatever has to end when the caller has left.
export function caller(request) {
  const caller = { left: false, ends: new Set() };
  request.signal.addEventListener("abort", () => leave(caller));
  return caller;
}

/// The caller of a cron: nobody, who never leaves.
export function nobody() {
  return { left: false, ends: new Set() };
}

function leave(caller) {
  caller.left = true;
  for (const end of [...caller.ends]) end();
}

/// Waits, whoever leaves.
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/// Resolves when whoever sent a request is gone before its answer.
export function gone(request) {
  const { signal } = request;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

/// Waits, though not for a caller that has left.
export function sleep(caller, ms) {
  return new Promise((resolve) => {
    if (caller.left) return resolve();
    const wake = () => {
      clearTimeout(timer);
      caller.ends.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    caller.ends.add(wake);
  });
}

/// The headers that every call to a target carries, made once an isolate.
export function targetHeaders(lines) {
  return new Headers(record(lines));
}

// What is answered in place of an answer: see world.rs.
const UNREACHABLE = 1;
const TIMED_OUT = 2;
const CALLER_LEFT = 3;
const TOO_LONG = 4;

// The most of a text that a bound service throws; its code stands at the start.
const LONGEST_THROWN = 500;

/// A call that can be ended before its answer is here.
export function call() {
  return new AbortController();
}

/// Ends it.
export function end(controller) {
  controller.abort();
}

/// Posts a call, by `fetcher` where there is one: a service that is bound. Answers {head, bytes} or
/// {head, reader, controller}, or when there is no answer a number, or the text that the service threw.
/// `body` is a view of wasm memory: fetch copies it before anything is awaited.
export async function send(
  caller,
  controller,
  fetcher,
  url,
  headers,
  body,
  open,
  timeoutMs,
  most,
  mostOfError,
) {
  if (caller.left) return CALLER_LEFT;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, timeoutMs);
  const onLeave = () => controller.abort();
  caller.ends.add(onLeave);
  try {
    const response = await (fetcher ?? globalThis).fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: controller.signal,
    });
    const head = replyHead(response);
    const sound = response.status === 200;
    if (open && sound && response.body) {
      const { body } = response;
      return { head, body, reader: body.getReader(), controller };
    }
    const longest = sound ? most : mostOfError;
    if (isWithin(longest, response)) {
      return { head, bytes: new Uint8Array(await response.arrayBuffer()) };
    }
    const { bytes, whole } = await gathered(response, longest);
    return whole || !sound ? { head, bytes } : TOO_LONG;
  } catch (error) {
    if (caller.left) return CALLER_LEFT;
    if (timedOut) return TIMED_OUT;
    return fetcher ? String(error).slice(0, LONGEST_THROWN) : UNREACHABLE;
  } finally {
    clearTimeout(timer);
    caller.ends.delete(onLeave);
  }
}

/// The body of a 200 at `url`, another answer's status, or null when there is none; `fetcher` as for
/// `send`.
export async function look(fetcher, url, headers, timeoutMs, most) {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const init = { headers, redirect: "manual", signal };
    const response = await (fetcher ?? globalThis).fetch(url, init);
    const { bytes, whole } = await gathered(response, most);
    return whole && response.status === 200 ? bytes : response.status;
  } catch {
    return null;
  }
}

/// Writes all that `work` writes to an object's storage, or nothing.
export function atomically(storage, work) {
  storage.transactionSync(work);
}

/// Says something to the Durable Object of this name, and takes its answer; null when there is none, or
/// none in time. With no time (0) it is waited for as long as it takes.
export async function say(namespace, name, text, timeoutMs) {
  try {
    const stub = namespace.get(namespace.idFromName(name));
    const signal = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined;
    const response = await stub.fetch("http://object/", { method: "POST", body: text, signal });
    const answer = await response.text();
    return response.ok ? answer : null;
  } catch {
    return null;
  }
}

function replyHead(response) {
  const headers = response.headers;
  return [
    response.status,
    headers.get("content-type"),
    headers.get("location"),
    headers.get("retry-after"),
    headers.get("retry-after-ms"),
    headers.get("x-should-retry"),
    headers.get("cf-error-type"),
  ].join("\n");
}

/// The next bytes of an open answer, null at its end, or a number when it broke.
export async function read(caller, open, timeoutMs) {
  if (caller.left) return CALLER_LEFT;
  let timer;
  let onLeave;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs, TIMED_OUT);
    onLeave = () => resolve(CALLER_LEFT);
    caller.ends.add(onLeave);
  });
  try {
    const next = await Promise.race([open.reader.read(), late]);
    if (typeof next === "number") return next;
    return next.done ? null : next.value;
  } catch {
    return UNREACHABLE;
  } finally {
    clearTimeout(timer);
    caller.ends.delete(onLeave);
  }
}

/// Ends a call whose answer is no longer wanted.
export function abort(open) {
  open.controller.abort();
}

/// A new way to the caller. An IdentityTransformStream passes bytes without copying them through
/// JavaScript. That the caller has left is told by its request's signal at once, and by the writer
/// only when something is written.
export function outlet(caller) {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  return watched({ readable, writable, writer, caller });
}

/// Notices when the caller is gone, as long as the way's writer is this one: a writer that is released
/// is closed, too.
function watched(way) {
  const { writer, caller } = way;
  writer.closed.catch(() => {
    if (way.writer === writer) leave(caller);
  });
  return way;
}

/// Writes to the caller; false when it has left.
export async function write(way, bytes) {
  try {
    await way.writer.write(bytes);
    return true;
  } catch {
    return false;
  }
}

/// Ends the caller's stream.
export async function close(way) {
  try {
    await way.writer.close();
  } catch {
    // The caller left first; there is nothing to end.
  }
}

// The flags that `feed` answers with, and the ends that `pump` answers with: see world.rs.
const SAME = 1;
const HEARD = 2;
const ENOUGH = 4;
const CODA = 8;
const PUMPED = { callerLeft: 0, deadline: 1, ended: 2, enough: 3, reset: 4, stalled: 5 };

/// Relays an open answer chunk by chunk: `feed` looks at each and says what is to be written, `take`
/// hands it over where it is not the chunk itself. Silence is measured in ticks of the watch, because
/// asking for the time costs more than looking at a chunk. `beat` is what a caller is sent that has
/// heard nothing for `beatMs`.
export async function pump(open, way, feed, take, stallMs, codaMs, beatMs, beat, deadline) {
  const { reader } = open;
  const { writer, caller } = way;
  let broke = PUMPED.reset;
  let writing = false;
  let ticks = 0;
  let heard = 0;
  let told = 0;
  const end = (how) => {
    broke = how;
    open.controller.abort();
  };
  const onLeave = () => end(PUMPED.callerLeft);
  caller.ends.add(onLeave);
  if (caller.left) onLeave();
  const tickMs = Math.min(1000, Math.max(10, Math.min(stallMs, beatMs) / 8));
  const inTicks = (ms) => Math.ceil(ms / tickMs);
  const beats = inTicks(beatMs);
  let patience = inTicks(stallMs);
  const watch = setInterval(() => {
    if (Date.now() >= deadline) {
      // A caller that does not read would keep it waiting for ever.
      if (writing) writer.abort().catch(() => {});
      return end(PUMPED.deadline);
    }
    // A caller that reads slowly is not an upstream that is silent.
    if (writing) return;
    ticks += 1;
    if (ticks - heard > patience) end(PUMPED.stalled);
    else if (ticks - told > beats) {
      told = ticks;
      // Should the caller have left, the watch of its connection tells.
      writer.write(new TextEncoder().encode(beat)).catch(() => {});
    }
  }, tickMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return PUMPED.ended;
      const flags = feed(value);
      if (flags & HEARD) heard = ticks;
      if (flags & CODA) {
        patience = inTicks(codaMs);
        heard = ticks;
      }
      const bytes = flags & SAME ? value : take();
      if (bytes.length > 0) {
        writing = true;
        await writer.write(bytes);
        writing = false;
        told = ticks;
      }
      if (flags & ENOUGH) return PUMPED.enough;
    }
  } catch {
    return writing ? PUMPED.callerLeft : broke;
  } finally {
    clearInterval(watch);
    caller.ends.delete(onLeave);
    open.controller.abort();
  }
}

/// Passes an open answer on to the caller by the runtime alone, until it ends, breaks or the deadline
/// passes. The stream of the caller stays open.
export async function pass(open, way, leftMs) {
  const { reader, body, controller } = open;
  const { writer, writable, caller } = way;
  let broke = PUMPED.reset;
  const end = (how) => {
    broke = how;
    controller.abort();
  };
  const onLeave = () => end(PUMPED.callerLeft);
  caller.ends.add(onLeave);
  if (caller.left) onLeave();
  const timer = setTimeout(end, Math.min(leftMs, 0x7fffffff), PUMPED.deadline);
  reader.releaseLock();
  way.writer = null;
  writer.releaseLock();
  try {
    await body.pipeTo(writable, { preventClose: true, preventAbort: true });
    return PUMPED.ended;
  } catch {
    return caller.left ? PUMPED.callerLeft : broke;
  } finally {
    clearTimeout(timer);
    caller.ends.delete(onLeave);
    controller.abort();
    way.writer = writable.getWriter();
    watched(way);
  }
}

/// An answer whose body is bytes (a view of wasm memory, copied at once) or nothing.
export function respond(status, lines, body) {
  return new Response(body, { status, headers: record(lines) });
}

/// An answer whose body is still being written.
export function respondStream(status, lines, way) {
  return new Response(way.readable, { status, headers: record(lines) });
}

/// Headers as the runtime reads them quickest, from names and values in turns.
function record(lines) {
  const flat = lines.split("\n");
  const headers = {};
  for (let at = 0; at + 1 < flat.length; at += 2) headers[flat[at]] = flat[at + 1];
  return headers;
}
