// What a person does with the page, and what a person sees.

import assert from "node:assert/strict";

/** How long anything may take, on a busy machine. */
export const PATIENCE_MS = 20_000;

const CHAT = "**/v1/chat/completions";
const OPEN = ["asking", "answering"].map((state) => `:not([data-state="${state}"])`).join("");

/** Writes and sends a message, on the chosen route or another one. */
export async function say(page, words, route) {
  if (route) await page.selectOption("#model", route);
  await page.fill("#question", words);
  await page.press("#question", "Enter");
}

/** The last exchange, once it is over. */
export async function over(page) {
  await page.locator(`.exchange:last-child[data-state]${OPEN}`).waitFor();
  const last = page.locator(".exchange").last();
  return {
    state: await last.getAttribute("data-state"),
    text: await last.locator(".answer").innerText(),
    foot: await last.locator(".foot").innerText(),
    all: (selector) => last.locator(selector).allInnerTexts(),
  };
}

/** The text of the last answer, so far. */
export const textOf = (page) => page.locator(".exchange:last-child .answer").innerText();

/** Waits until the last answer is longer than it was. */
export async function grows(page) {
  const before = (await textOf(page)).length;
  await until("more text", async () => (await textOf(page)).length > before);
}

/** Has the next question answered by this instead of the gateway. */
export async function instead(page, answer) {
  await page.route(CHAT, (route) => route.fulfill(answer), { times: 1 });
}

/** Has nothing answer from now on. */
export async function unplug(page) {
  await page.route(CHAT, (route) => route.abort());
}

/** Waits until a test is true. */
export async function until(what, test) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await test())) {
    assert.ok(Date.now() < end, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The names of a route's targets, from the gateway. */
export async function targetsOf(page, route) {
  const response = await page.request.get("/v1/models");
  const { data } = await response.json();
  return data.find(({ id }) => id === route).pilotlight.targets;
}
