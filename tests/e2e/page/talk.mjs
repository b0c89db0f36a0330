// Page and gateway: what is sent, what is kept, and what is asked for.

import assert from "node:assert/strict";
import { failure } from "./gateway.mjs";
import { instead, over, say, until } from "./person.mjs";

const API = "**/v1/**";

export const talk = {
  async "the conversation is sent on, less what got no answer"(page) {
    const sent = [];
    page.on("request", (request) => {
      if (request.method() === "POST") sent.push(request.postDataJSON().messages);
    });
    await page.click("#toggle");
    await page.fill("#system", "Be brief.");
    await say(page, "One", "auto");
    const { text } = await over(page);
    await say(page, "Two", "down");
    await over(page);
    await say(page, "Three", "auto");
    await over(page);
    const last = sent.at(-1).map(({ role, content }) => `${role}: ${content.trim()}`);
    const said = ["system: Be brief.", "user: One", `assistant: ${text}`, "user: Three"];
    assert.deepEqual(last, said);
    await page.click("#fresh");
    assert.equal(await page.locator(".exchange").count(), 0);
    await say(page, "Four");
    await over(page);
    assert.deepEqual(sent.at(-1).map(({ content }) => content), ["Be brief.", "Four"]);
  },

  async "a failed question can be asked again"(page) {
    await instead(page, failure(503, { message: "no", code: "all_targets_failed" }));
    await say(page, "Hello?", "auto");
    assert.equal((await over(page)).state, "failed");
    await page.click(".again");
    await page.locator('.exchange[data-state="whole"]').waitFor();
    assert.equal(await page.locator(".exchange").count(), 1);
  },

  async "a key is asked for, and kept for the tab alone"(page) {
    const refusal = failure(401, { message: "no API key was sent", code: "invalid_api_key" });
    await page.route(API, (route, request) => {
      const known = request.headers().authorization === "Bearer sesame";
      return known ? route.continue() : route.fulfill(refusal);
    });
    await page.reload();
    await page.locator("#key:focus").waitFor();
    assert.match(await page.locator("#key-problem").innerText(), /asks for an access key/);
    await say(page, "Hello?");
    assert.equal((await over(page)).state, "failed");
    await page.fill("#key", "sesame");
    await page.press("#key", "Enter");
    await page.locator('.exchange[data-state="whole"]').waitFor();
    const kept = await page.evaluate(() => [{ ...sessionStorage }, { ...localStorage }]);
    assert.deepEqual(kept, [{ "pilotlight.key": "sesame" }, {}]);
    assert.deepEqual(await page.context().cookies(), []);
    await page.reload();
    await page.locator("#model optgroup").first().waitFor({ state: "attached" });
  },

  async "every mistake of a configuration is listed"(page) {
    const paths = ["targets.home.provider", "routes.auto"];
    const mistakes = paths.map((path) => ({ path, problem: "is off" }));
    const message = "the configuration is wrong";
    const wrong = failure(500, { message, pilotlight: { mistakes } });
    await page.route(API, (route) => route.fulfill(wrong));
    await page.reload();
    const listed = paths.map((path) => `${path} is off`);
    const notice = page.locator("#notice li");
    await until("the notice", async () => (await notice.count()) > 0);
    assert.deepEqual(await notice.allInnerTexts(), listed);
    await say(page, "Hello?");
    assert.deepEqual(await (await over(page)).all(".problem li"), listed);
  },

  async "the page asks nobody but its own gateway"(page) {
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).origin));
    const response = await page.reload();
    await say(page, "Hello?", "auto");
    await over(page);
    assert.ok(asked.length > 10, `${asked.length} requests`);
    assert.deepEqual([...new Set(asked)], [new URL(page.url()).origin]);
    const policy = response.headers()["content-security-policy"] ?? "";
    assert.match(policy, /default-src 'none'.*script-src 'self'.*trusted-types-for 'script'/);
    assert.doesNotMatch(policy, /unsafe|\*|http/);
  },
};
