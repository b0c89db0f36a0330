// Request bodies as clients send them: many turns of prose, code and other scripts.
//
// Made, not recorded, so that a body can be had in any size, and from a fixed seed, so that two runs
// measure the same. Quotes, line ends and backslashes are escaped as JSON has to; letters beyond
// ASCII stand as they are in one half of the messages and as \u escapes in the other, because
// clients do both.

const PROSE = [
  "The pilot light went out twice last winter, and each time nobody noticed until the morning.",
  "Could you look at the log below and tell me which of the two requests was answered first?",
  "I have tried that already; it works on my machine but not in the container, which is odd.",
  'She wrote "never again" in the margin, then crossed it out and wrote "perhaps" instead.',
  "What I need is a summary in three sentences, then a table, then the list of open questions.",
  "Il faudra peut-être réécrire la requête, parce que la base de données répond trop lentement.",
  "Die Prüfung schlägt fehl, obwohl alle Schlüssel gesetzt sind – siehe Zeile 42.",
  "缓存里的提示词没有变化，所以第二次请求快了很多。",
  "It’s fine 👍 — really — but please keep the “old” name in the public interface…",
];

const CODE = [
  '```python\ndef retry(call, times=3):\n    for _ in range(times):\n        try:\n            return call()\n        except OSError as error:\n            print(f"again: {error}")\n```',
  '```json\n{"path": "C:\\\\logs\\\\gateway.log", "level": "warn", "tags": ["edge", "home"]}\n```',
  "```sql\nSELECT target, count(*) AS failures\nFROM attempts\nWHERE reason <> 'ok'\nGROUP BY target;\n```",
];

/** A chat request of `size` bytes, asked of `model`; `fields` are added, or take the place of others. */
export function chatRequest(size, model, fields = {}) {
  const random = generator(20_260_701);
  const messages = [{ role: "system", content: "You are a careful assistant. Answer briefly." }];
  const request = {
    model,
    messages,
    temperature: 0.7,
    max_completion_tokens: 1024,
    top_k: 40,
    session: "b7c1",
    trace: { client: "bench" },
    ...fields,
  };
  const length = () => Buffer.byteLength(written(request));
  let left = size - length();
  while (left > 2_600) {
    messages.push({ role: messages.length % 2 ? "user" : "assistant", content: turn(random) });
    left = size - length();
  }
  messages.push({ role: "user", content: "" });
  left = size - length();
  messages.at(-1).content = "Now answer the first question again. ".repeat(80).slice(0, left);
  return written(request);
}

function turn(random) {
  const parts = [];
  const count = 2 + Math.floor(random() * 8);
  for (let at = 0; at < count; at++) {
    const from = random() < 0.15 ? CODE : PROSE;
    parts.push(from[Math.floor(random() * from.length)]);
  }
  return parts.join(random() < 0.5 ? "\n\n" : " ");
}

function written({ messages, ...rest }) {
  const each = messages.map((message, at) => {
    const json = JSON.stringify(message);
    return at % 4 < 2 ? json : json.replace(/[^\x20-\x7e]/g, escaped);
  });
  return JSON.stringify({ ...rest, messages: [] }).replace("[]", `[${each.join(",")}]`);
}

function escaped(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// Mulberry32: small, and the same numbers from the same seed.
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
