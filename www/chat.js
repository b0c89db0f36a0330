// What the page asks of the gateway, and what it hears back, as a closed list of events.
//
// Nothing here throws: whatever goes wrong on the way is an event like any other, because the
// person who asked has to be told of it.

import { dataOf } from "./sse.js";

const UNREACHABLE = { message: "The gateway could not be reached." };

/** The routes and targets: `{ models }`, or `{ error }`. */
export async function listModels(key) {
  try {
    const response = await fetch("/v1/models", { headers: authorization(key) });
    const told = json(await response.text());
    return told?.data ? { models: told.data } : { error: errorOf(response, told) };
  } catch {
    return { error: UNREACHABLE };
  }
}

/**
 * Asks, and yields what is heard:
 * `begun` (headers), `chunk`, `done` (the stream's own word that it is whole), and at last one of
 * `ended`, `broke`, `failed` (error) and `stopped` (by the signal).
 */
export async function* ask({ model, messages, key, signal }) {
  try {
    yield* listen(await send({ model, messages, key, signal }));
  } catch {
    yield signal.aborted ? { kind: "stopped" } : { kind: "broke" };
  }
}

async function send({ model, messages, key, signal }) {
  const body = { model, messages, stream: true, stream_options: { include_usage: true } };
  const headers = { "content-type": "application/json", ...authorization(key) };
  const request = { method: "POST", headers, body: JSON.stringify(body), signal };
  return fetch("/v1/chat/completions", request).catch((error) => {
    if (signal.aborted) throw error;
    return undefined;
  });
}

async function* listen(response) {
  if (!response) {
    yield { kind: "failed", error: UNREACHABLE };
    return;
  }
  if (!response.ok || !isStream(response)) {
    yield { kind: "failed", error: errorOf(response, json(await response.text())) };
    return;
  }
  yield { kind: "begun", headers: response.headers };
  for await (const data of dataOf(response.body)) {
    if (data === "[DONE]") {
      yield { kind: "done" };
      break;
    }
    yield { kind: "chunk", chunk: Object(JSON.parse(data)) };
  }
  yield { kind: "ended" };
}

function authorization(key) {
  return key ? { authorization: `Bearer ${key}` } : {};
}

function isStream(response) {
  return response.headers.get("content-type")?.startsWith("text/event-stream");
}

/** What an answer says that is not what was asked for, whoever wrote it. */
function errorOf(response, told) {
  const { status } = response;
  return {
    ...told?.error,
    status,
    message: told?.error?.message ?? `Something answered ${status} that is not the gateway.`,
    retryAfter: response.headers.get("retry-after") ?? undefined,
  };
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
