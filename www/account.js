// The account under an answer: how it ended, who gave it, what was tried, what was left out.

import { make } from "./element.js";
import { chain, count, duration, grounds, outcome, problem, standing, wholeSeconds } from "./words.js";

/** The elements of the account of an answer that is over. */
export function account(answer) {
  return [
    ...complaint(answer),
    facts(answer),
    ...attempts(answer.attempts),
    ...written(answer),
    ...stayed(answer),
    ...dropped(answer),
    ...leftOut(answer),
  ];
}

/** What is wrong, in a box; nothing where nothing is. */
export function complaint(answer) {
  const words = problem(answer);
  if (!words) return [];
  const parts = [make("p", {}, [words])];
  const { pilotlight, retryAfter } = answer.error ?? {};
  const mistakes = pilotlight?.mistakes ?? [];
  if (mistakes.length > 0) parts.push(make("ul", {}, mistakes.map(mistake)));
  if (retryAfter) parts.push(make("p", {}, [tryAgain(retryAfter)]));
  return [make("div", { class: "problem" }, parts)];
}

function mistake({ path, problem }) {
  return make("li", {}, [make("code", {}, [path]), ` ${problem}`]);
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function tryAgain(after) {
  const time = /^\d+$/.test(after) ? wholeSeconds(Number(after) * 1000) : `until ${after}`;
  return `Wait ${time} before trying again.`;
}

function facts(answer) {
  const { target, model, askedAt, firstAt, endedAt, usage, cost, requestId, error } = answer;
  const words = standing(answer);
  const first = firstAt && `first token after ${duration(firstAt - askedAt)}`;
  const parts = [
    words && make("span", { class: "standing" }, [words]),
    target && make("b", { class: "target" }, [target]),
    model && make("span", { class: "model" }, [model]),
    first && make("span", { class: "time" }, [first]),
    make("span", { class: "time" }, [`${duration(endedAt - askedAt)} in all`]),
    usage?.prompt_tokens >= 0 && make("span", { class: "usage" }, [tokens(usage)]),
    cost > 0 && make("span", { class: "cost" }, [`$${cost}`]),
    // With this the request's line in the gateway's log is found.
    error && requestId && make("span", { class: "request" }, [requestId]),
  ];
  return make("p", { class: "facts" }, parts.filter(Boolean));
}

function tokens({ prompt_tokens: read, completion_tokens: written = 0 }) {
  return `${count(read, "token")} in, ${written.toLocaleString("en")} out`;
}

function attempts(tried) {
  if (tried.length === 0) return [];
  const list = make("ol", { class: "attempts", "aria-label": "What was tried" });
  list.append(...tried.map(attempt));
  return [list];
}

function attempt(tried) {
  const name = make("b", {}, [tried.target]);
  const words = make("span", { class: "outcome" }, [outcome(tried)]);
  // What was never asked took no time, and what the headers tell of has none.
  const time = tried.ms ? [`, ${duration(tried.ms)}`] : [];
  return make("li", { "data-outcome": tried.outcome }, [name, " ", words, ...time]);
}

function written({ parts = [] }) {
  if (parts.length === 0) return [];
  const authors = parts.map(({ target, characters }) => `${target} (${count(characters, "character")})`);
  return [make("p", { class: "parts" }, [`Written by ${chain(authors)}, each going on with the last.`])];
}

function stayed({ stayed }) {
  if (!stayed) return [];
  return [make("p", { class: "stayed" }, [`Kept at home: ${grounds(stayed)}.`])];
}

function dropped({ truncated, target }) {
  if (!truncated) return [];
  const { messages, tokens } = truncated;
  const words =
    `To fit the window of ${target}, not all of the conversation was sent: ` +
    `${count(messages, "message")} dropped or shortened, about ${count(tokens, "token")}.`;
  return [make("p", { class: "dropped" }, [words])];
}

function leftOut({ text }) {
  if (text !== "") return [];
  return [make("p", { class: "left-out" }, ["This message is not part of what is sent next."])];
}
