// OpenAI's SDK for Node as a caller: what it reads and what it raises, without any setting of ours.

import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
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

let heard = "";
await assert.rejects(async () => {
  for await (const chunk of await ask("cut-route", { stream: true })) heard += chunk.choices[0].delta.content ?? "";
}, OpenAI.APIError);
assert.equal(heard, "Hal");

const stranger = new OpenAI({ baseURL, apiKey: "wrong" });
await assert.rejects(() => stranger.models.list(), OpenAI.AuthenticationError);

console.log("all well");
