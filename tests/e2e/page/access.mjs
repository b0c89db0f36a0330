// Whoever uses the page, and on whatever: by keyboard, by day and by night, on a phone.

import assert from "node:assert/strict";
import { contrasts } from "./contrast.mjs";
import { instead, grows, over, say, until } from "./person.mjs";
import { LONG_ANSWER, WIDE } from "./gateway.mjs";

/** Context options of a phone as narrow as they come. */
export const PHONE = { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true };

export const access = {
  async "the keyboard alone is enough"(page) {
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await focused(page, "#question");
    await press("Tab");
    await focused(page, "#model");
    await page.keyboard.type("slow");
    await press("Tab");
    await focused(page, "#toggle");
    await press("Enter");
    await focused(page, "#system");
    await press("Tab");
    await focused(page, "#key");
    await press("Escape");
    await focused(page, "#toggle");
    await press("Tab");
    await focused(page, "#send");
    await press("Shift+Tab", "Shift+Tab", "Shift+Tab");
    await page.keyboard.type("One");
    await press("Shift+Enter");
    await page.keyboard.type("two");
    await press("Enter");
    await grows(page);
    await press("Escape");
    assert.equal((await over(page)).state, "stopped");
    assert.equal(await page.locator(".question").innerText(), "One\ntwo");
    await focused(page, "#question");
    await press("Shift+Tab");
    await focused(page, ".again");
    await press("Enter");
    await focused(page, "#question");
    await grows(page);
    await press("Tab", "Tab", "Tab", "Space");
    assert.equal((await over(page)).state, "stopped");
    await press("Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab");
    await focused(page, "#fresh");
    await press("Enter");
    await focused(page, "#question");
    assert.equal(await page.locator(".exchange").count(), 0);
  },

  async "text is readable by day and by night"(page) {
    await instead(page, LONG_ANSWER);
    await say(page, "Hello?");
    await over(page);
    for (const route of ["down", "cut"]) {
      await say(page, "Hello?", route);
      await over(page);
    }
    await say(page, "Hello?", "slow");
    await page.keyboard.press("Escape");
    await over(page);
    await page.click("#toggle");
    await page.locator("#key-problem").evaluate((problem) => problem.append("Wrong."));
    for (const [colorScheme, isPaper] of [
      ["light", (light) => light > 0.8],
      ["dark", (light) => light < 0.05],
    ]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { count, faint, paper } = await page.evaluate(contrasts);
      assert.ok(count > 40, `only ${count} texts`);
      assert.ok(isPaper(paper), `${colorScheme}: ${paper}`);
      assert.deepEqual(faint, [], colorScheme);
    }
  },

  async "a narrow phone has no sideways scroll"(page) {
    const fits = async (state) => assert.deepEqual(await page.evaluate(tooWide), [], state);
    await fits("empty");
    await page.click("#toggle");
    await fits("options");
    await instead(page, LONG_ANSWER);
    await say(page, `Hello ${WIDE}`);
    await over(page);
    await fits("a long answer");
    await say(page, "Hello?", "down");
    await over(page);
    await fits("a failure");
  },

  async "the page follows its end until the reader scrolls up"(page) {
    const top = () => page.evaluate(() => document.scrollingElement.scrollTop);
    await instead(page, LONG_ANSWER);
    await say(page, "Hello?");
    await over(page);
    assert.ok((await top()) > 500, "a page that is too short to tell");
    await until("the end in view", () => isAtEnd(page));
    await say(page, "Count.", "slow");
    await grows(page);
    assert.ok(await isAtEnd(page));
    await page.mouse.move(200, 200);
    await page.mouse.wheel(0, -400);
    await page.locator("#newest").waitFor();
    const before = await top();
    await grows(page);
    assert.equal(await top(), before);
    await page.click("#newest");
    assert.ok(await isAtEnd(page));
  },
};

/** Waits for the focus, and sees that a person can see it. */
async function focused(page, selector) {
  await page.locator(`${selector}:focus`).waitFor();
  const styles = await page.locator(selector).evaluate((element) =>
    // The composer shows the focus of the field that fills it.
    [element, element.closest("form")]
      .filter(Boolean)
      .map((shown) => getComputedStyle(shown).outlineStyle),
  );
  assert.ok(styles.some((style) => style !== "none"), `no ring on ${selector}`);
}

async function isAtEnd(page) {
  const below = await page.evaluate(() => {
    const { scrollHeight, clientHeight, scrollTop } = document.scrollingElement;
    return scrollHeight - clientHeight - scrollTop;
  });
  return below < 2;
}

/** Runs in the page: what sticks out of it at the sides. */
function tooWide() {
  const width = document.documentElement.clientWidth;
  const page = document.documentElement.scrollWidth > width ? ["the page"] : [];
  const controls = [...document.querySelectorAll("button, select, textarea, input")];
  const outside = controls.filter((control) => {
    const { left, right } = control.getBoundingClientRect();
    return left < 0 || right > width;
  });
  return [...page, ...outside.map(({ id }) => id)];
}
