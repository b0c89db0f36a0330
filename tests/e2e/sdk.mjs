// OpenAI's SDK for Node as a caller: what it reads and what it raises, without any setting of ours.

import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const BROKEN = "The pilot light is a small flame that never goes out, whatever hap";
const MENDED = `${BROKEN}pens to the rest of the stove.`;

const client = new OpenAI({ baseURL, apiKey });
const ask = (model, more) =>
  client.chat.completions.create({ model, messages: [{ role: "user", content: "Hi" }], ...more });

async function raises(kind, model, more) {
  const raised = await ask(model, more).then(
    (answer) => assert.fail(`${model}: nothing was raised, but ${JSON.stringify(answer)} returned`),
    (error) => error,
  );
  assert.equal(raised.constructor, kind, `${model}: ${raised}`);
  return raised;
}

const whole = await ask("whole-route");
assert.equal(whole.choices[0].message.content, "Hello.");
assert.equal(whole.choices[0].finish_reason, "stop");
assert.equal(whole.usage.total_tokens, 13);
assert.equal(whole.pilotlight.target, "whole");

const chunks = [];
for await (const chunk of await ask("streamed-route", { stream: true, stream_options: { include_usage: true } })) {
  chunks.push(chunk);
}
assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "Hello.");
assert.equal(chunks.at(-1).usage.total_tokens, 13);
assert.equal(chunks.findLast((chunk) => chunk.pilotlight).pilotlight.target, "streamed");

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.ok(models.includes("whole-route") && models.includes("whole"), models.join());
assert.equal((await client.models.retrieve("whole")).id, "whole");

const limited = await raises(OpenAI.RateLimitError, "throttled-route");
assert.equal(limited.headers.get("x-should-retry"), "false");
assert.ok(Number(limited.headers.get("retry-after")) <= 40);
assert.equal(limited.error.pilotlight.attempts[0].outcome, "throttled");

const refused = await raises(OpenAI.BadRequestError, "refused-route");
assert.match(refused.message, /Bad schema/);

const barred = await raises(OpenAI.InternalServerError, "barred-route", { stream: true });
assert.equal(barred.status, 503);

const silent = await raises(OpenAI.InternalServerError, "silent-route");
assert.equal(silent.status, 504);

const mistaken = await raises(OpenAI.BadRequestError, "whole-route", { temperature: "hot" });
assert.equal(mistaken.param, "temperature");

// What was heard of a stream before it raised, and what it raised.
async function breaks(model) {
  let heard = "";
  try {
    for await (const chunk of await ask(model, { stream: true })) heard += chunk.choices[0]?.delta.content ?? "";
  } catch (raised) {
    assert.equal(raised.constructor, OpenAI.APIError, `${model}: ${raised}`);
    return { heard, raised };
  }
  assert.fail(`${model}: a stream that broke off looks whole: ${heard}`);
}

const cut = await breaks("cut-route");
assert.equal(cut.heard, "Hal");
assert.equal(cut.raised.code, "stream_cut");

const toldLate = await breaks("silent-stream-route");
assert.equal(toldLate.heard, "");
assert.equal(toldLate.raised.code, "all_targets_timed_out");

const contradicted = await breaks("contradicted-route");
assert.equal(contradicted.heard, BROKEN);
const outcomes = contradicted.raised.error.pilotlight.attempts.map((attempt) => attempt.outcome);
assert.deepEqual(outcomes, ["stream_cut", "no_splice", "no_splice", "overloaded"]);

// A stream as the SDK's own helper puts it together, and what it tells of itself.
async function check(model, text, target, options) {
  const runner = client.chat.completions.stream(
    { model, messages: [{ role: "user", content: "Hi" }], stream_options: { include_usage: true } },
    options,
  );
  const chunks = [];
  runner.on("chunk", (chunk) => chunks.push(chunk));
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices[0].message.content, text);
  assert.equal(final.choices[0].message.role, "assistant");
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  const finished = chunks.filter((chunk) => chunk.choices[0]?.finish_reason);
  assert.equal(finished.length, 1);
  assert.equal(finished[0].pilotlight.target, target);
  assert.ok(chunks.at(-1).usage.total_tokens >= 13);
  assert.ok(chunks.slice(0, -1).every((chunk) => !chunk.usage));
  return { choice: final.choices[0], told: finished[0].pilotlight };
}

const takenOver = await check("taken-over-route", MENDED, "taken-over-next");
assert.equal(takenOver.choice.finish_reason, "stop");
assert.deepEqual(takenOver.told.parts.map((part) => part.target), ["taken-over", "taken-over-next"]);

const slow = await check("slow-route", "Hello.", "slow");
assert.equal(slow.choice.finish_reason, "stop");

const held = await check("held-route", "Another one altogether.", "held-next", {
  headers: { "x-pilotlight-mode": "hold" },
});
assert.equal(held.choice.finish_reason, "stop");
assert.ok(!("parts" in held.told));

const calling = await check("calling-route", "I look. ", "calling-next");
assert.equal(calling.choice.finish_reason, "tool_calls");
const calls = calling.choice.message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
assert.deepEqual(calls, [["weather", { city: "Oslo" }], ["tide", { harbour: "Moss" }]]);

const inside = await ask("inside-route");
assert.equal(inside.choices[0].message.content, MENDED);
assert.equal(inside.choices[0].finish_reason, "stop");
assert.ok(inside.usage.total_tokens > 13);

const stranger = new OpenAI({ baseURL, apiKey: "wrong" });
await assert.rejects(() => stranger.models.list(), OpenAI.AuthenticationError);

console.log("all well");
