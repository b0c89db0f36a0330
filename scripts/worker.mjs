// Builds the Worker: the crate in, `build/index.js` and `build/index_bg.wasm` out.
//
// Cargo is incremental by itself, but wasm-bindgen, wasm-opt and the bundler after it are not: they
// take their ten seconds or more each time. So a stamp beside the result says what it was built
// from, and when that is unchanged there is nothing to do. It is written last.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { capture, run } from "./run.mjs";
import { headline, note } from "./say.mjs";
import { modernNodeEnv, npmPackages } from "./setup/npm.mjs";
import { rustTools } from "./setup/rust.mjs";
import { BUILD, ROOT } from "./tree.mjs";

const SOURCES = ["scripts/worker.mjs", "Cargo.toml", "Cargo.lock", "build.rs", ".cargo", "src"];
const PRODUCTS = ["index.js", "index_bg.wasm"];

/** Builds the Worker when its sources or tools have changed since the last time. */
export async function buildWorker() {
  await npmPackages();
  const tools = await rustTools();
  headline("Worker");
  const stamp = join(BUILD, ".built-from");
  const inputs = fingerprint(tools);
  const fresh = PRODUCTS.every((name) => existsSync(join(BUILD, name))) && existsSync(stamp);
  if (fresh && readFileSync(stamp, "utf8") === inputs) {
    note("unchanged");
    return;
  }
  // A request goes on when its caller has left, as long as it takes to let go of what it holds.
  const env = { ...modernNodeEnv(), ...tools.env, RUN_TO_COMPLETION: "1" };
  await run(tools.workerBuild, ["--release", "--", "--locked"], { cwd: ROOT, env });
  writeFileSync(stamp, inputs);
  note(`${(statSync(join(BUILD, "index_bg.wasm")).size / 1e6).toFixed(2)} MB of wasm`);
}

function fingerprint({ version, env }) {
  const hash = createHash("sha256");
  const told = [version, env.WASM_BINDGEN_BIN, process.env.RUSTFLAGS, capture("rustc", ["-vV"])];
  hash.update(JSON.stringify(told));
  for (const file of SOURCES.flatMap((name) => files(join(ROOT, name)))) {
    const bytes = readFileSync(file);
    hash.update(`\0${relative(ROOT, file)}\0${bytes.length}\0`).update(bytes);
  }
  hash.update(readFileSync(join(ROOT, "package-lock.json")));
  return hash.digest("hex");
}

function files(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => files(join(path, name)));
}
