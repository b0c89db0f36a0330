// `npm test`: every check there is, in the order in which a mistake is cheapest to learn of.
//
// It stops at the first failure, because what follows would mostly repeat it. The end-to-end tests
// run the built Worker beside real parts; where those were put is told to them by the variables
// PILOTLIGHT_*, and a variable that is not set is a part that could not be had here.

import { command } from "./command.mjs";
import { modernNode, npmPackages } from "./setup/npm.mjs";
import { chromium } from "./setup/chromium.mjs";
import { ingress } from "./setup/ingress.mjs";
import { gguf } from "./setup/model.mjs";
import { ollama } from "./setup/ollama.mjs";
import { pythonWithCallers } from "./setup/python.mjs";
import { rustTools } from "./setup/rust.mjs";
import { run } from "./run.mjs";
import { clock, headline, note } from "./say.mjs";
import { BUILD, ROOT } from "./tree.mjs";
import { buildWorker } from "./worker.mjs";

const DENY = ["--", "-D", "warnings"];
const WASM = ["--target", "wasm32-unknown-unknown"];

const RESULT = /^test result: \w+\. (\d+) passed; (\d+) failed/gm;
const counted = { passed: 0, failed: 0 };

await command(async () => {
  const parts = await step("setup", setup);
  await step("format", () => cargo(["fmt", "--check"]));
  await step("lints, native", () => cargo(["clippy", "--locked", "--all-targets", ...DENY]));
  await step("lints, wasm32", () => cargo(["clippy", "--locked", ...WASM, ...DENY]));
  await step("documentation", () =>
    cargo(["doc", "--locked", "--no-deps"], { RUSTDOCFLAGS: "-D warnings" }),
  );
  await step("native tests", () => tests(["--lib", "--test", "it"]));
  await step("build", buildWorker);
  await step("end-to-end tests", () => tests(["--test", "e2e"], parts));
  console.log(`\n${counted.passed} passed, ${counted.failed} failed`);
});

/** Makes what the tests stand on; answers the variables that say where it is. */
async function setup() {
  await npmPackages();
  await rustTools();
  const parts = {
    PILOTLIGHT_NODE: modernNode(),
    PILOTLIGHT_BUILD: BUILD,
    PILOTLIGHT_PYTHON: await pythonWithCallers(),
    PILOTLIGHT_CHROMIUM: await chromium(),
    PILOTLIGHT_GGUF: await gguf(),
    PILOTLIGHT_OLLAMA_BIN: await ollama(),
    PILOTLIGHT_INGRESS: await ingress(),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, path]) => path));
}

async function step(name, body) {
  headline(`== ${name}`);
  const began = performance.now();
  const answer = await body();
  note(`${name}: ${clock(performance.now() - began)}`);
  return answer;
}

async function tests(which, parts = {}) {
  let printed = "";
  await cargo(["test", "--locked", ...which], parts, (text) => (printed += text));
  for (const [, passed, failed] of printed.matchAll(RESULT)) {
    counted.passed += Number(passed);
    counted.failed += Number(failed);
  }
}

async function cargo(args, variables = {}, watch) {
  await run("cargo", args, { cwd: ROOT, env: { ...process.env, ...variables }, watch });
}
