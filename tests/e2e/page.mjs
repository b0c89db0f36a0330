// The page in Chromium: what a person sees, hears and can reach.
//
//     node page.mjs URL [PART-OF-A-NAME ...]
//
// The gateway at URL has the routes `auto` (a short answer), `slow` (word by word), `failover` (its
// first target fails), `cut` (the stream breaks) and `down` (all targets fail). What a gateway that
// works never says is put in its place between page and gateway.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { access, PHONE } from "./page/access.mjs";
import { answers } from "./page/answers.mjs";
import { PATIENCE_MS } from "./page/person.mjs";
import { talk } from "./page/talk.mjs";
import { values } from "./page/values.mjs";

const CHECKS = { ...answers, ...talk, ...access, ...values };

// Without these Chromium looks for its maker's servers, which a closed network refuses one by one.
const QUIET =
  "--disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

const [base, ...wanted] = process.argv.slice(2);
const names = Object.keys(CHECKS).filter(
  (name) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
assert.ok(names.length > 0, `no check is named ${wanted.join(" or ")}`);

const browser = await chromium.launch({
  executablePath: process.env.PILOTLIGHT_CHROMIUM,
  args: `--headless --no-sandbox --disable-gpu ${QUIET}`.split(" "),
});
for (const name of names) {
  const why = await run(name);
  if (why) process.exitCode = 1;
  console.log(why ? `FAIL ${name}: ${why}` : `ok ${name}`);
}
await browser.close();

/** Why a check fails; undefined when it does not. An error in the page fails any check. */
async function run(name) {
  const device = name.includes("phone") ? PHONE : {};
  const context = await browser.newContext({ baseURL: base, ...device });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // Chromium says this of every answer that is not 2xx.
    const expected = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !expected) errors.push(message.text());
  });
  try {
    await page.goto("/");
    await page.locator("#model optgroup").first().waitFor({ state: "attached" });
    await CHECKS[name](page);
    assert.deepEqual(errors, []);
    return undefined;
  } catch (error) {
    return [error.message, ...errors].join(" | ").replaceAll("\n", " ");
  } finally {
    await context.close();
  }
}
