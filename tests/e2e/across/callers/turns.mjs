// What the callers in Node have in common: the tools, the words of the user, and what is expected.

import assert from "node:assert/strict";

export const [baseURL, apiKey, ...rest] = process.argv.slice(2);
const [told] = rest;
export const TURNS = JSON.parse(told);

export const RULES = "You are a clerk. Use the tools.";
export const QUESTION = "What is the weather in Oslo, and what time is it?";
export const GO_ON = "Go on.";

/** The tools by name: what each takes, and what it gives. It names what it was asked for, so that a mistaken result is found out. */
export const TOOLS = {
  weather: {
    description: "The weather in a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    outcome: ({ city }) => JSON.stringify({ city, degrees: 7 }),
  },
  now: {
    description: "What time it is.",
    parameters: { type: "object", properties: {}, required: [] },
    outcome: () => "12:00",
  },
};

/** Holds an answer to what the target is known to have said; `calls` are pairs of name and arguments. */
export function check(turn, text, calls, tokens) {
  assert.ok(tokens >= turn.tokens, `${JSON.stringify(turn)}: ${tokens} tokens`);
  if (!turn.said) return;
  assert.equal(text ?? "", turn.said.text, JSON.stringify(turn));
  const expected = turn.said.calls.map((call) => [call.name, call.arguments]);
  assert.deepEqual(calls, expected, JSON.stringify(turn));
}
