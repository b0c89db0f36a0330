// `wrangler dev`: the Worker on workerd with local KV, on one port of this machine.
//
// Telemetry and the banner are off and the keyboard is not wrangler's, because it is one child of a
// command that has more to say and more to end.

import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failed, start } from "./run.mjs";
import { modernNode, modernNodeEnv } from "./setup/npm.mjs";
import { NODE_MODULES, ROOT } from "./tree.mjs";

const POLL_MS = 200;
const READY_MS = 120_000;
const REFUSALS = 25;
const QUIET = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  // Where in the world this machine is: asked of Cloudflare at every start, and of no use here.
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/** Fails when the port cannot be had; both of the addresses that `localhost` may mean count. */
export async function requireFreePort(port) {
  const codes = await Promise.all(["127.0.0.1", "::1"].map((host) => bindError(port, host)));
  if (codes.includes("EADDRINUSE")) {
    const remedy = "Stop what uses it, or choose another: npm start -- --port 8788";
    throw new Failed(`Port ${port} is taken. ${remedy}`);
  }
  // The second is missing on machines without IPv6.
  if (codes[0]) throw new Failed(`Port ${port} cannot be used: ${codes[0]}`);
}

/** Starts wrangler and answers its process once the gateway says that it is healthy. */
export async function startWrangler(port, envFile) {
  const args = [
    ["--import", new URL("tether.mjs", import.meta.url).href],
    [join(NODE_MODULES, "wrangler", "bin", "wrangler.js"), "dev", "--local"],
    ["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
    // The gateway tells a local caller by the host that was asked for; a route must not replace it.
    ["--infer-origin-from-routes=false", "--show-interactive-dev-session=false"],
    ["--env-file", envFile],
  ].flat();
  const env = { ...modernNodeEnv(), ...QUIET };
  const stdio = ["pipe", "inherit", "inherit"];
  const child = start(modernNode(), args, { cwd: ROOT, env, stdio });
  await healthy(`http://127.0.0.1:${port}/healthz`, child);
  return child;
}

async function healthy(url, child) {
  let ended = false;
  child.ended.then(() => (ended = true));
  for (let refusals = 0, deadline = performance.now() + READY_MS; performance.now() < deadline;) {
    if (ended) throw new Failed("wrangler ended before the gateway was up.");
    const answer = await ask(url);
    if (answer?.ok) return;
    // Wrangler itself may answer so while it loads the Worker; after a while it is the gateway.
    if (answer && ++refusals > REFUSALS)
      throw new Failed(`The gateway is not healthy: ${answer.text}`);
    await sleep(POLL_MS);
  }
  throw new Failed(`${url} did not answer within ${READY_MS / 1000} seconds.`);
}

async function ask(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return { ok: answer.ok, text: await answer.text() };
  } catch {
    // Not listening yet.
    return undefined;
  }
}

function bindError(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(error.code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
