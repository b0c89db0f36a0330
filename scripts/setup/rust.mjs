// The Rust tools that turn the crate into a Worker, built once from crates.io.
//
// worker-build would download wasm-bindgen and esbuild from GitHub. It is given both instead, so that
// the build needs nothing but package registries, and the versions are ours: wasm-bindgen's program
// must be the very version of its library in Cargo.lock.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { artefact } from "../cache.mjs";
import { capture, Failed, run, runLogged, which } from "../run.mjs";
import { headline, note } from "../say.mjs";
import { NODE_MODULES, ROOT } from "../tree.mjs";

const TARGET = "wasm32-unknown-unknown";
const WORKER_BUILD = "0.8.7";

/** Makes the tools; answers worker-build's path and the variables that tell it of the others. */
export async function rustTools() {
  if (!which("cargo")) throw new Failed("Rust is needed: https://rustup.rs");
  await wasmTarget();
  const workerBuild = await cargoInstalled("worker-build", WORKER_BUILD);
  return {
    workerBuild,
    version: WORKER_BUILD,
    env: {
      WASM_BINDGEN_BIN: await cargoInstalled(
        "wasm-bindgen-cli",
        lockedWasmBindgen(),
        "wasm-bindgen",
      ),
      ESBUILD_BIN: join(NODE_MODULES, "esbuild", "bin", "esbuild"),
    },
  };
}

async function wasmTarget() {
  const libraries = capture("rustc", ["--print", "target-libdir", "--target", TARGET]);
  if (libraries && existsSync(libraries)) return;
  if (!which("rustup"))
    throw new Failed(`Rust's target ${TARGET} is missing, and there is no rustup to add it with.`);
  headline(`Rust target ${TARGET}`);
  await run("rustup", ["target", "add", TARGET], { cwd: ROOT });
}

async function cargoInstalled(crate, version, program = crate) {
  const folder = await artefact(`${crate}-${version}`, async (folder) => {
    headline(`${crate} ${version}: built once, some minutes on 2 cores`);
    const log = join(folder, "cargo.log");
    const args = ["install", crate, "--version", version, "--root", folder];
    try {
      await runLogged(log, "cargo", [...args, "--locked"]);
    } catch (error) {
      // A mirror of crates.io may lag behind the newest of the versions that the tool has locked.
      if (!readFileSync(log, "utf8").includes("failed to select a version")) throw error;
      note("the versions it was released with are not all to be had; taking those that are");
      await runLogged(log, "cargo", args);
    }
  });
  return join(folder, "bin", program);
}

function lockedWasmBindgen() {
  const lock = readFileSync(join(ROOT, "Cargo.lock"), "utf8");
  const version = lock.match(/name = "wasm-bindgen"\nversion = "([^"]+)"/)?.[1];
  if (version) return version;
  throw new Failed("Cargo.lock names no version of wasm-bindgen.");
}
