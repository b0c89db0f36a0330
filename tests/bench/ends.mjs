// The upstream and the callers: the compiled program in main.rs, as the scripts use it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Failed, run, start } from "../../scripts/run.mjs";
import { headline } from "../../scripts/say.mjs";
import { ROOT } from "../../scripts/tree.mjs";

const BUILT = process.env.CARGO_TARGET_DIR || join(ROOT, "target");
const PROGRAM = join(BUILT, "debug", "examples", "bench");
const PATH = "/v1/chat/completions";

/** Builds the program: optimised, though with what `npm test` has compiled it against. */
export async function buildEnds() {
  headline("Upstream and callers");
  const args = ["rustc", "--locked", "--example", "bench", "--", "-C", "opt-level=3"];
  await run("cargo", args, { cwd: ROOT });
}

/** Starts the upstream; answers its address. It ends when its standard input does. */
export async function startUpstream() {
  const child = start(PROGRAM, ["upstream"], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const port of createInterface({ input: child.stdout })) return `127.0.0.1:${port}`;
  throw new Failed("The upstream ended before it listened.");
}

/** A place for request bodies; answers `put(body)`, which answers a path, and `remove`. */
export function bodyFiles() {
  const folder = mkdtempSync(join(tmpdir(), "pilotlight-bench-bodies-"));
  let count = 0;
  return {
    put(body) {
      count += 1;
      const path = join(folder, `${count}.json`);
      writeFileSync(path, body);
      return path;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Calls on so many connections for some seconds; answers `{calls, seconds}`. */
export async function callFor(seconds, connections, address, body) {
  return call(address, body, connections, ["for", String(seconds)]);
}

/** Calls on so many connections, so often on each; answers `{calls, seconds}`. */
export async function callEach(count, connections, address, body) {
  return call(address, body, connections, ["each", String(count)]);
}

/** Opens so many streams and reads each until it says `mark`; answers `end`, which lets go of them. */
export async function openStreams(connections, address, body, mark) {
  const args = ["open", ...placed(address), body, String(connections), mark];
  const child = start(PROGRAM, args, { stdio: ["pipe", "pipe", "inherit"] });
  const end = () => {
    child.stdin.end();
    return child.ended;
  };
  for await (const _ of createInterface({ input: child.stdout })) return { end };
  throw new Failed("The streams did not open; see above.");
}

async function call(address, body, connections, until) {
  const args = ["call", ...placed(address), body, String(connections), ...until];
  const child = start(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
  let told;
  for await (const line of createInterface({ input: child.stdout })) told = JSON.parse(line);
  if ((await child.ended).code !== 0 || !told) throw new Failed("A call failed; see above.");
  return told;
}

/** An address as the program takes it: where to connect, and the path. */
function placed(address) {
  const [host, ...folders] = address.split("/");
  return [host, ["", ...folders].join("/") + PATH];
}
