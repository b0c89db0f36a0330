// Workers on plain workerd, each in a process of its own, so that what the process costs is what the
// Worker costs.
//
// No simulator stands in between: it would add a hop of its own to every request, and cost more than
// what is measured.

import {
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import workerd from "workerd";
import { capture, Failed, start } from "../../scripts/run.mjs";
import { ROOT } from "../../scripts/tree.mjs";

const PROGRAM = workerd.default;
const WORKERS = fileURLToPath(new URL("workers", import.meta.url));

/** workerd's version. */
export function workerdVersion() {
  return capture(PROGRAM, ["--version"]);
}

/** One of the Workers beside this file. */
export function script(name, bindings) {
  return { name, folder: WORKERS, modules: [`${name}.js`], bindings };
}

/** The gateway as it was built into `folder`. */
export function gateway(folder, bindings) {
  return {
    name: "pilotlight",
    folder,
    modules: ["index.js", "index_bg.wasm"],
    bindings,
    store: "BREAKERS",
    // In the same process here, so that what they cost is counted as the gateway's.
    objects: { HOME_LOCK: "HomeLock", LEDGER: "Ledger" },
  };
}

/** Starts a Worker, with V8's flags if it has any; answers its address, its process and `end`. */
export async function serve(worker) {
  const folder = mkdtempSync(join(tmpdir(), "pilotlight-bench-"));
  const config = join(folder, "config.capnp");
  for (const name of worker.modules) copyFileSync(join(worker.folder, name), join(folder, name));
  copyFileSync(join(WORKERS, "store.js"), join(folder, "store.js"));
  const shelf = mkdtempSync(join(tmpdir(), "pilotlight-bench-objects-"));
  writeFileSync(config, capnp(worker, shelf));
  const began = performance.now();
  const child = start(PROGRAM, ["serve", config, "--control-fd=3"], {
    // The log is written, as it is in earnest, and read by nobody.
    stdio: ["ignore", openSync(devNull, "w"), "inherit", "pipe"],
  });
  const port = await Promise.race([listening(child.stdio[3]), child.ended.then(() => undefined)]);
  rmSync(folder, { recursive: true });
  if (!port) throw new Failed(`workerd ended before ${worker.name} listened.`);
  return {
    name: worker.name,
    address: `127.0.0.1:${port}`,
    pid: child.pid,
    startedIn: performance.now() - began,
    end: async () => {
      await ended(child);
      rmSync(shelf, { recursive: true });
    },
  };
}

/** CPU that a process has used so far, in microseconds: the sum of its threads'. */
export function cpuMicroseconds(pid) {
  const tasks = `/proc/${pid}/task`;
  const used = readdirSync(tasks).map((id) => {
    const [nanoseconds] = readFileSync(join(tasks, id, "schedstat"), "utf8").split(" ");
    return Number(nanoseconds) / 1_000;
  });
  return used.reduce((total, one) => total + one, 0);
}

/** CPU that each of the calls costs that `make` makes and tells the number of, in microseconds. */
export async function cpuOfOne(worker, make) {
  const before = cpuMicroseconds(worker.pid);
  const { calls } = await make();
  return (cpuMicroseconds(worker.pid) - before) / calls;
}

/** Memory of a Worker's process that is in use (RSS), in kB of 1,000 bytes. */
export function residentKilobytes(worker) {
  const told = readFileSync(`/proc/${worker.pid}/smaps_rollup`, "utf8");
  return (Number(told.match(/^Rss:\s+(\d+) kB$/m)[1]) * 1_024) / 1_000;
}

async function ended(child) {
  process.kill(-child.pid, "SIGKILL");
  await child.ended;
}

async function listening(control) {
  for await (const line of createInterface({ input: control })) {
    const { event, port } = JSON.parse(line);
    if (event === "listen") return port;
  }
  return undefined;
}

function capnp({ modules, bindings, store, objects = {}, v8Flags = [] }, shelf) {
  const wrangler = parse(readFileSync(join(ROOT, "wrangler.toml"), "utf8"));
  const date = quoted(wrangler.compatibility_date);
  const flags = wrangler.compatibility_flags.map(quoted);
  const bound = Object.entries(bindings).map(([name, value]) =>
    typeof value === "string"
      ? `(name = ${quoted(name)}, text = ${quoted(value)})`
      : `(name = ${quoted(name)}, json = ${quoted(JSON.stringify(value))})`,
  );
  if (store) bound.push(`(name = ${quoted(store)}, kvNamespace = "store")`);
  for (const [name, kind] of Object.entries(objects)) {
    bound.push(`(name = ${quoted(name)}, durableObjectNamespace = ${quoted(kind)})`);
  }
  const kinds = Object.values(objects).map(
    (kind) => `(className = ${quoted(kind)}, uniqueKey = ${quoted(kind)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [${modules.map(embedded)}],
      compatibilityDate = ${date},
      compatibilityFlags = [${flags}],
      bindings = [${bound}],
      durableObjectNamespaces = [${kinds}],
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "store", worker = (
      modules = [${embedded("store.js")}],
      compatibilityDate = ${date},
    )),
    (name = "objects", disk = (path = ${quoted(shelf)}, writable = true)),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  v8Flags = [${v8Flags.map(quoted)}],
  sockets = [(name = "main", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}

function embedded(name) {
  const kind = name.endsWith(".wasm") ? "wasm" : "esModule";
  return `(name = ${quoted(name)}, ${kind} = embed ${quoted(name)})`;
}

function quoted(text) {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
