// Does the model answer, do its words come as it writes them, and is its window what it should be?
//
// One short answer tells all three. Ollama says at its end how long it wrote (`eval_duration`): had
// the words come as they were written, they were as long on the way. `/api/ps` tells the window
// that the model was loaded with, which is the only truth about it.

import { tagged } from "../home/ollama.mjs";
import { ask, object } from "./ask.mjs";
import { bad, good, open, time } from "./say.mjs";

/** What the gateway tells an Ollama where no `context` is written. */
const DEFAULT_CONTEXT = 4096;

/** A model may have to be loaded first. */
const PATIENCE_MS = 5 * 60_000;

/** Enough tokens to tell a stream from a lump. */
const TOKENS = 24;

/** Less time than this between the first word and the last tells nothing, in milliseconds. */
const TELLING_MS = 40;

/** What is found. */
export async function checkAnswer(box) {
  const answer = await ask(box.url, {
    method: "POST",
    path: "/api/chat",
    headers: box.headers,
    json: question(box),
    limit: PATIENCE_MS,
  });
  const lines = linesOf(answer.body ?? "");
  const done = lines.find((one) => one.done === true);
  if (answer.status !== 200 || answer.fault || !done) return [whyNot(answer, lines)];
  const first = time(answer.reads[0].at);
  const found = [good("answer", `${done.eval_count ?? "some"} tokens, the first after ${first}`)];
  found.push(streaming(answer, lines, done));
  found.push(await window(box));
  return found;
}

/** The options are those of the gateway's requests: others would make the model load anew. */
function question({ model, context }) {
  const window = context === undefined ? { num_ctx: DEFAULT_CONTEXT } : { num_ctx: context };
  return {
    model,
    messages: [{ role: "user", content: "Count from one to twenty in words." }],
    stream: true,
    think: false,
    truncate: false,
    options: { ...(typeof context === "string" ? {} : window), num_predict: TOKENS },
  };
}

function linesOf(body) {
  return body
    .split("\n")
    .map((text) => object({ body: text }))
    .filter(Boolean);
}

function whyNot({ status, fault, headers, body }, lines) {
  const told = lines.map(({ error }) => error).find((error) => typeof error === "string");
  if (told) return bad("answer", `${status}: ${told}`, "look at Ollama's log");
  if (fault === "ETIMEDOUT") {
    return bad(
      "answer",
      `none within ${time(PATIENCE_MS)}`,
      "a smaller model, or a box that is less busy",
    );
  }
  if (fault) return bad("answer", `the connection ended (${fault})`, "look at Ollama's log");
  if (status === 524 || status === 504) {
    return bad(
      "answer",
      `${status}: Cloudflare did not wait for the first word`,
      "ask again, now that the model is loaded; keep it loaded (OLLAMA_KEEP_ALIVE), " +
        "or take a smaller one",
    );
  }
  if (status === 200) return bad("answer", "it ended before it was done", "look at Ollama's log");
  const kind = headers?.["content-type"] ?? "nothing";
  const seen = body ? `${status} with ${kind}` : `${status} with an empty body`;
  return bad(
    "answer",
    `POST /api/chat: ${seen}`,
    "config.yml's path has to let /api/chat through, and Access to apply to it alike",
  );
}

function streaming({ reads }, lines, done) {
  const took = (done.eval_duration ?? 0) / 1e6;
  const spread = reads.at(-1).at - reads[0].at;
  const seen = `${lines.length} lines in ${reads.length} reads within ${time(spread)}`;
  if (took < TELLING_MS || lines.length < 4) {
    return open("streaming", `${seen}: too short to tell`);
  }
  if (reads.length > 2 && spread > took / 4) return good("streaming", seen);
  return bad(
    "streaming",
    `${seen}, though the model wrote for ${time(took)}: something holds the answer back`,
    "a proxy between must not buffer (nginx: `proxy_buffering off`); cloudflared does not",
  );
}

async function window({ url, headers, model, context }) {
  const answer = await ask(url, { path: "/api/ps", headers });
  const models = answer.status === 200 ? object(answer)?.models : undefined;
  if (!Array.isArray(models)) {
    const seen = `GET /api/ps: ${answer.fault ?? answer.status}, and no list`;
    return bad(
      "window",
      seen,
      "config.yml's path has to let /api/ps through: the gateway asks there whether a model is loading",
    );
  }
  const loaded = models.find((one) => tagged(one.name ?? one.model ?? "") === tagged(model));
  const real = loaded?.context_length;
  if (!loaded) return open("window", `${model} is no longer loaded`);
  if (typeof real !== "number")
    return open("window", "this Ollama does not tell; a later version does");
  if (typeof context === "string")
    return good("window", `${real} tokens, which the gateway finds out`);
  if (context === undefined) {
    return open(
      "window",
      `${real} tokens; no \`context\` is written, and the gateway asks for ${DEFAULT_CONTEXT}`,
    );
  }
  if (real >= context) return good("window", `${real} tokens`);
  return bad(
    "window",
    `${real} tokens, not the ${context} of \`context\``,
    `write \`context = ${real}\`, or take a model that was trained for more`,
  );
}
