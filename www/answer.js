// What is known of an answer at any moment: a value, and the next value for each event.
//
// `state` is the word that the page acts on:
//   asking, answering               under way
//   whole                           its model ended it
//   short                           ended by something else, and `finish` says by what
//   stopped                         by the person who asked
//   unfinished                      the stream did not end it
//   failed                          there is none, and `error` says why
//
// **Invariant:** `whole` takes both a finish reason and the stream's own end marker. Anything less
// is a piece of an answer, and is shown as one.

/** An answer that has been asked for and not begun. */
export function asked(at) {
  return { state: "asking", text: "", thoughts: "", attempts: [], askedAt: at };
}

/** Whether more is to come. */
export function isOpen(answer) {
  return answer.state === "asking" || answer.state === "answering";
}

/** The answer after an event. */
export function next(answer, event, at) {
  switch (event.kind) {
    case "begun":
      return { ...answer, ...fromHeaders(event.headers) };
    case "chunk":
      return afterChunk(answer, event.chunk, at);
    case "done":
      return { ...answer, marked: true };
    case "ended":
      return { ...answer, state: ending(answer), endedAt: at };
    case "broke":
      return { ...answer, state: "unfinished", endedAt: at };
    case "stopped":
      return { ...answer, state: "stopped", endedAt: at };
    case "failed":
      return { ...answer, ...ofError(event.error), state: "failed", endedAt: at };
    default:
      throw new Error(`no such event: ${event.kind}`);
  }
}

/** The messages to send: what is on the page, less what got no answer at all. */
export function messagesOf(system, exchanges, question) {
  const said = exchanges
    .filter(({ answer }) => answer.text !== "")
    .flatMap(({ question, answer }) => [
      { role: "user", content: question },
      { role: "assistant", content: answer.text },
    ]);
  const rules = system.trim() === "" ? [] : [{ role: "system", content: system }];
  return [...rules, ...said, { role: "user", content: question }];
}

function afterChunk(answer, chunk, at) {
  if (chunk.error) return { ...answer, ...ofError(chunk.error) };
  const choice = chunk.choices?.[0];
  const delta = choice?.delta ?? {};
  const text = firstText(delta.content, delta.refusal);
  const thoughts = firstText(delta.reasoning, delta.reasoning_content);
  const began = text !== "" || thoughts !== "";
  return {
    ...answer,
    ...disclosed(chunk.pilotlight),
    state: began ? "answering" : answer.state,
    text: answer.text + text,
    thoughts: answer.thoughts + thoughts,
    firstAt: answer.firstAt ?? (began ? at : undefined),
    finish: choice?.finish_reason ?? answer.finish,
    usage: chunk.usage ?? answer.usage,
  };
}

function firstText(...values) {
  return values.find((value) => typeof value === "string" && value !== "") ?? "";
}

function ending({ error, finish, marked }) {
  if (error || !finish || !marked) return "unfinished";
  return finish === "stop" ? "whole" : "short";
}

function ofError(error) {
  return { error, ...disclosed(error.pilotlight) };
}

/** Only what is there: a later word on the same thing replaces an earlier one, silence does not. */
function disclosed(pilotlight = {}) {
  const { target, model, attempts, truncated, parts, request_id: requestId } = pilotlight;
  const { private: stayed, cost_usd: cost } = pilotlight;
  return present({ target, model, attempts, truncated, parts, requestId, stayed, cost });
}

/** What the headers tell: the same without times, for an answer that never reaches its end. */
function fromHeaders(headers) {
  const said = (name) => headers.get(`x-pilotlight-${name}`) ?? undefined;
  return present({
    target: said("target"),
    model: said("model"),
    attempts: said("attempts")?.split(",").map(attempt),
    truncated: truncated(said("truncated")),
    requestId: said("request-id"),
    stayed: said("private"),
  });
}

/** `openai:429`, `claude:breaker_open`, `cloud:unsupported:tools`, `home:ok`. */
function attempt(text) {
  const [target, outcome, field] = text.split(":");
  if (outcome === "ok") return { target, outcome: "begun" };
  if (/^\d+$/.test(outcome)) return { target, outcome: "failed", status: Number(outcome) };
  return present({ target, outcome, field });
}

/** `messages=12;tokens=41200`. */
function truncated(text) {
  const pairs = text?.split(";").map((pair) => pair.split("="));
  return pairs && Object.fromEntries(pairs.map(([name, count]) => [name, Number(count)]));
}

function present(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
