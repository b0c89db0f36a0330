// The program that reads a config.yml as cloudflared does: tests/e2e/ingress, built with Go.
//
// cloudflared itself cannot be had from package registries, and its path rules are Go regexps, so
// only Go can say what they match. The one library comes from Go's module proxy.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { artefact } from "../cache.mjs";
import { runLogged, which } from "../run.mjs";
import { headline, warn } from "../say.mjs";
import { ROOT } from "../tree.mjs";

const SOURCE = join(ROOT, "tests", "e2e", "ingress");

/** The path of the program, or undefined when it cannot be built here. */
export async function ingress() {
  if (process.env.PILOTLIGHT_INGRESS) return process.env.PILOTLIGHT_INGRESS;
  if (!which("go")) {
    warn(
      "No Go is installed, so the rules of cloudflared's config.yml cannot be run.\n" +
        "The test that needs it says so and does not run; with CI set it fails.\n" +
        "Install Go, or set PILOTLIGHT_INGRESS.",
    );
    return undefined;
  }
  const folder = await artefact(`ingress-${fingerprint()}`, async (folder) => {
    headline("The reader of cloudflared's rules, in Go");
    const program = join(folder, "ingress");
    // Its version control stamp is of no use, and fails in a tree that git does not own.
    const args = ["build", "-buildvcs=false", "-o", program, "."];
    await runLogged(join(folder, "go.log"), "go", args, { cwd: SOURCE });
  });
  return join(folder, "ingress");
}

function fingerprint() {
  const hash = createHash("sha256");
  for (const name of readdirSync(SOURCE).sort()) hash.update(readFileSync(join(SOURCE, name)));
  return hash.digest("hex").slice(0, 12);
}
