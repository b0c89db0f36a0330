// An answer: that it streams, that it can be stopped, and that its account is true.

import assert from "node:assert/strict";
import { DONE, ends, failure, LONG_ANSWER, page as html, says, stream, TAKEN_OVER } from "./gateway.mjs";
import { grows, instead, over, say, targetsOf, textOf, unplug, until } from "./person.mjs";

const TIME = String.raw`[\d.]+\s(ms|s)`;

export const answers = {
  async "a message streams in"(page) {
    await say(page, "Count.", "slow");
    const seen = new Set();
    await until("a text that grows in steps", async () => seen.add(await textOf(page)).size > 4);
    const steps = [...seen];
    for (const [at, text] of steps.entries()) assert.ok(text.startsWith(steps[at - 1] ?? ""), text);
    assert.match(await page.locator(".progress").innerText(), /is answering/);
    assert.equal(await page.locator("#send").innerText(), "Stop");
  },

  async "stop keeps what came, and says that it was stopped"(page) {
    await say(page, "Count.", "slow");
    await grows(page);
    await page.click("#send");
    const { state, text, all } = await over(page);
    assert.equal(state, "stopped");
    assert.notEqual(text, "");
    assert.deepEqual(await all(".standing"), ["Stopped by you"]);
    assert.deepEqual(await all(".target"), [(await targetsOf(page, "slow")).at(-1)]);
    await page.waitForTimeout(400);
    assert.equal(await textOf(page), text);
    assert.equal(await page.locator("#send").innerText(), "Send");
  },

  async "who answered is shown and spoken, with model, times and tokens"(page) {
    await say(page, "Hello?", "auto");
    const { state, text, all } = await over(page);
    assert.equal(state, "whole");
    assert.deepEqual(await all(".standing"), []);
    const [target] = await all(".target");
    assert.ok((await targetsOf(page, "auto")).includes(target), target);
    assert.notEqual((await all(".model")).join(), "");
    const [first, total] = await all(".time");
    assert.match(first, new RegExp(`^first token after ${TIME}$`));
    assert.match(total, new RegExp(`^${TIME} in all$`));
    assert.match((await all(".usage")).join(), /^[\d,]+ tokens? in, [\d,]+ out$/);
    const spoken = (await page.locator("#voice").innerText()).replace(/\s+/g, " ");
    assert.ok(spoken.includes(text) && spoken.includes(`Answered by ${target}`), spoken);
  },

  async "what was tried is shown after a failover"(page) {
    const [first, second] = await targetsOf(page, "failover");
    await say(page, "Hello?", "failover");
    const { state, all } = await over(page);
    assert.equal(state, "whole");
    const attempts = await all(".attempts li");
    assert.match(attempts[0], new RegExp(`^${first} .+ \\(\\d{3}\\)`));
    assert.match(attempts.at(-1), new RegExp(`^${second} answered(, ${TIME})?$`));
  },

  async "a cut stream is shown as unfinished"(page) {
    await say(page, "Hello?", "cut");
    const { state, text, all } = await over(page);
    assert.equal(state, "unfinished");
    assert.notEqual(text, "");
    assert.deepEqual(await all(".standing"), ["Unfinished"]);
    assert.match((await all(".problem")).join(), /not all of it/);
  },

  async "a failure is told in words, with what was tried"(page) {
    await say(page, "Hello?", "down");
    const { state, text, foot, all } = await over(page);
    assert.deepEqual([state, text], ["failed", ""]);
    assert.match((await all(".problem")).join(), /^No target could answer\./);
    const attempts = await all(".attempts li");
    assert.ok(attempts.length > 0);
    for (const attempt of attempts) assert.match(attempt, /^[\w-]+ [^_{]+$/);
    assert.match(foot, /not part of what is sent next/);
    assert.match((await all(".request")).join(), /^req_/);
  },

  async "what was left out is told"(page) {
    await instead(page, LONG_ANSWER);
    await say(page, "Hello?");
    const { all } = await over(page);
    assert.match((await all(".dropped")).join(), /window of home.*12 messages.*41,200 tokens/);
  },

  async "who wrote which part is told"(page) {
    await instead(page, TAKEN_OVER);
    await say(page, "Hello?");
    const { state, all } = await over(page);
    assert.equal(state, "whole");
    assert.match((await all(".parts")).join(), /groq \(5 characters\), then home \(1,209 char/);
    assert.match((await all(".attempts li")).join(), /groq broke off/);
  },

  async "nothing short of an end is taken for one"(page) {
    const half = says("Half");
    const garbled = { ...stream(half), body: "data: {\n\n" };
    const cases = [
      [stream(half, DONE), "unfinished"],
      [stream(half, ends("stop")), "unfinished"],
      [stream(half, ends("stop"), { error: { message: "it broke" } }), "unfinished"],
      [stream(half, { error: { message: "it broke" } }, DONE), "unfinished"],
      [stream(), "unfinished"],
      [garbled, "unfinished"],
      [html(200), "failed"],
      [html(502), "failed"],
      [failure(400, { message: "'messages' is empty" }), "failed"],
      [stream(half, ends("length"), DONE), "short"],
      [stream(half, ends("stop"), DONE), "whole"],
    ];
    for (const [answer, state] of cases) {
      await page.click("#fresh");
      await instead(page, answer);
      await say(page, "Hello?");
      assert.equal((await over(page)).state, state, answer.body);
    }
    await unplug(page);
    await say(page, "Hello?");
    assert.match((await over(page)).foot, /could not be reached/);
  },

  async "an answer can only be text"(page) {
    const attack = `<img src=x onerror="document.title='owned'"> <script>1</script>`;
    const both = `${attack}\n\n\`\`\`html\n${attack}\n\`\`\``;
    await instead(page, stream(says(both), ends("stop"), DONE));
    await say(page, attack);
    const { text } = await over(page);
    assert.equal(text.split(attack).length, 3);
    assert.equal(await page.locator(".exchange :is(img, script)").count(), 0);
    assert.equal(await page.title(), "Pilotlight");
  },
};
