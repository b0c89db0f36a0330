// The page's pure parts, for which no browser is needed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dataOf } from "../../../www/sse.js";
import { blocksOf, spansOf } from "../../../www/text.js";
import { OUTCOMES } from "../../../www/words.js";

export const values = {
  async "events are the same wherever the bytes are cut"() {
    const whole =
      ": ping\r\n\r\ndata: é\n\ndata:  one\r\ndata:two\r\n\r\n" +
      "event: x\n\ndata\n\n\rdata: 🔥\r\r";
    for (const [text, events] of [
      [whole, ["é", " one\ntwo", "", "🔥"]],
      [`${whole}data: cut off\n`, ["é", " one\ntwo", "", "🔥"]],
    ]) {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at <= bytes.length; at += 1) {
        const body = new Blob([bytes.slice(0, at)]).stream();
        assert.deepEqual(await eventsOf(body, bytes.slice(at)), events, `cut at ${at}`);
      }
    }
  },

  async "blocks and spans keep every word"() {
    const text = "# H\na *b* 2 * 3\nc\n\n- d\n  e\n  2. f\n```js\n- g\n\n````\nh";
    assert.deepEqual(blocksOf(text), [
      { kind: "heading", text: "H" },
      { kind: "paragraph", text: "a *b* 2 * 3\nc" },
      { kind: "item", depth: 0, marker: "-", text: "d\ne" },
      { kind: "item", depth: 1, marker: "2.", text: "f" },
      { kind: "code", language: "js", text: "- g\n" },
      { kind: "paragraph", text: "h" },
    ]);
    assert.deepEqual(blocksOf("~~~\nopen"), [{ kind: "code", language: "", text: "open" }]);
    const spans = spansOf("a **b c** `*d*` ``e`f`` *g* 2 * 3 **");
    assert.deepEqual(
      spans.map(({ kind, text }) => `${kind}:${text}`).join("|"),
      "plain:a |strong:b c|plain: |code:*d*|plain: |code:e`f|plain: |em:g|plain: 2 * 3 **",
    );
  },

  async "every reason of the gateway has words"() {
    const source = readFileSync(new URL("../../../src/reason.rs", import.meta.url), "utf8");
    const labels = [...source.matchAll(/Self::\w+ => "(\w+)"/g)].map(([, label]) => label);
    assert.ok(labels.length > 20, `only ${labels.length} labels found in src/reason.rs`);
    assert.deepEqual(
      labels.filter((label) => !(label in OUTCOMES)),
      [],
    );
  },
};

/** The events of a body that comes in two pieces. */
async function eventsOf(first, second) {
  const { readable, writable } = new TransformStream();
  const written = first.pipeTo(writable, { preventClose: true }).then(async () => {
    const writer = writable.getWriter();
    await writer.write(second);
    await writer.close();
  });
  const events = [];
  for await (const data of dataOf(readable)) events.push(data);
  await written;
  return events;
}
