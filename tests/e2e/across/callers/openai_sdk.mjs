// OpenAI's SDK for Node in a conversation with tools, each turn of which another target answers.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { apiKey, baseURL, check, GO_ON, QUESTION, RULES, TOOLS, TURNS } from "./turns.mjs";

const client = new OpenAI({ baseURL, apiKey });
const tools = Object.entries(TOOLS).map(([name, { description, parameters }]) => ({
  type: "function",
  function: { name, description, parameters },
}));

const whole = (model, messages) => client.chat.completions.create({ model, messages, tools });

const streamed = (model, messages) =>
  client.chat.completions
    .stream({ model, messages, tools, stream_options: { include_usage: true } })
    .finalChatCompletion();

async function converse(ask) {
  const messages = [
    { role: "system", content: RULES },
    { role: "user", content: QUESTION },
  ];
  for (const turn of TURNS) {
    const completion = await ask(turn.model, messages);
    const { finish_reason, message } = completion.choices[0];
    const calls = message.tool_calls ?? [];
    const read = calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
    check(turn, message.content, read, completion.usage.total_tokens);
    assert.ok((calls.length ? ["tool_calls"] : ["stop", "length"]).includes(finish_reason), finish_reason);
    messages.push(message);
    calls.forEach((call, at) => {
      assert.ok(call.id && call.type === "function", JSON.stringify(call));
      const [name, input] = read[at];
      messages.push({ role: "tool", tool_call_id: call.id, content: TOOLS[name].outcome(input) });
    });
    if (!calls.length) messages.push({ role: "user", content: GO_ON });
  }
}

await converse(whole);
await converse(streamed);
console.log("all well");
