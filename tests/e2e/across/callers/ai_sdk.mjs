// Vercel's AI SDK in a conversation with tools, each turn of which another target answers; by its
// provider for compatible servers, or by that for OpenAI, as the last argument says.

import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { apiKey, baseURL, check, GO_ON, QUESTION, RULES, rest, TOOLS, TURNS } from "./turns.mjs";

// Its warnings are of models that it does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const PROVIDERS = {
  compatible: () => createOpenAICompatible({ name: "gateway", baseURL, apiKey, includeUsage: true }).chatModel,
  openai: () => createOpenAI({ baseURL, apiKey }).chat,
};
const chatModel = PROVIDERS[rest[1]]();

// The SDK itself runs them, and adds what they give to the conversation.
const tools = Object.fromEntries(
  Object.entries(TOOLS).map(([name, { description, parameters, outcome }]) => [
    name,
    tool({ description, inputSchema: jsonSchema(parameters), execute: outcome }),
  ]),
);

const whole = (asked) => generateText(asked);

async function streamed(asked) {
  const result = streamText({ ...asked, onError: ({ error }) => assert.fail(error) });
  await result.consumeStream();
  const [text, toolCalls, finishReason, usage, response] = await Promise.all([
    result.text,
    result.toolCalls,
    result.finishReason,
    result.usage,
    result.response,
  ]);
  return { text, toolCalls, finishReason, usage, response };
}

async function converse(ask) {
  const messages = [{ role: "user", content: QUESTION }];
  for (const turn of TURNS) {
    const asked = { model: chatModel(turn.model), system: RULES, messages, tools, maxRetries: 0 };
    const { text, toolCalls, finishReason, usage, response } = await ask(asked);
    const calls = toolCalls.map((call) => [call.toolName, call.input]);
    check(turn, text, calls, usage.totalTokens);
    assert.ok(toolCalls.every((call) => !call.invalid && !call.error), JSON.stringify(toolCalls));
    assert.ok((toolCalls.length ? ["tool-calls"] : ["stop", "length"]).includes(finishReason), finishReason);
    messages.push(...response.messages);
    if (!toolCalls.length) messages.push({ role: "user", content: GO_ON });
  }
}

await converse(whole);
await converse(streamed);
console.log("all well");
