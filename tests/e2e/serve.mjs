// Serves the built Worker in Cloudflare's simulator, with its key-value store and its static page.
//
// Prints the same `listen` lines as workerd's control channel, so that both are started alike. The
// compatibility date, its flags and the folder of the page are those of wrangler.toml.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { parse } from "smol-toml";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const told = JSON.parse(process.argv[2]);
const wrangler = parse(readFileSync(join(ROOT, "wrangler.toml"), "utf8"));

const worker = (number) => ({
  name: String(number),
  rootPath: told.build,
  modulesRoot: told.build,
  modules: [
    { type: "ESModule", path: join(told.build, "index.js") },
    { type: "CompiledWasm", path: join(told.build, "index_bg.wasm") },
  ],
  compatibilityDate: wrangler.compatibility_date,
  compatibilityFlags: wrangler.compatibility_flags,
  bindings: told.bindings,
  kvNamespaces: { BREAKERS: "breakers" },
  durableObjects: { HOME_LOCK: { className: "HomeLock", scriptName: "0", useSQLite: true },
    LEDGER: { className: "Ledger", scriptName: "0", useSQLite: true },
  },
  unsafeDirectSockets: [{ port: 0 }],
});

const workers = Array.from({ length: told.isolates }, (_, number) => worker(number));
// The first is what the simulator's own front leads to: there the page and the API are one origin.
workers[0].assets = {
  directory: join(ROOT, wrangler.assets.directory),
  routerConfig: { has_user_worker: true },
};

const simulator = new Miniflare(convertV4MiniflareOptions({ workers }));
const front = await simulator.ready;
for (const number of workers.keys()) {
  const url = number === 0 ? front : await simulator.unsafeGetDirectURL(String(number));
  console.log(JSON.stringify({ event: "listen", socket: String(number), port: Number(url.port) }));
}
