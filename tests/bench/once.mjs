// What an isolate pays once: its size, its start, and the first conversation that has to be cut.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chatRequest } from "./conversation.mjs";
import { callEach } from "./ends.mjs";
import { spread, table } from "./figures.mjs";
import { cpuMicroseconds, serve } from "./workerd.mjs";
import { capture } from "../../scripts/run.mjs";
import { note } from "../../scripts/say.mjs";
import { modernNode } from "../../scripts/setup/npm.mjs";

const COMPILE = fileURLToPath(new URL("compile.mjs", import.meta.url));
const STARTS = 5;
/** About 50,000 tokens. */
const LONG = 200_000;
const WARM_CALLS = 20;

/** The size of the built Worker; answers text with a table. */
export function measureSize(build) {
  const sizes = ["index_bg.wasm", "index.js"].map((name) => {
    const bytes = readFileSync(join(build, name));
    return [name, kilobytes(bytes), kilobytes(gzipSync(bytes, { level: 9 }))];
  });
  return table(["file", "kB", "kB, gzip"], sizes);
}

/** Start-up beside that of the forwarding Worker; answers text with a table. */
export async function measureStart(build, workers, files) {
  const body = files.put(chatRequest(512, "auto"));
  const rows = [];
  for (const [name, worker] of Object.entries(workers)) {
    const told = { listening: [], cpu: [], first: [] };
    for (let round = 0; round < STARTS; round++) {
      const running = await serve(worker);
      told.listening.push(running.startedIn);
      const first = await callEach(1, 1, running.address, body);
      told.cpu.push(cpuMicroseconds(running.pid) / 1_000);
      const warm = await callEach(WARM_CALLS, 1, running.address, body);
      told.first.push((first.seconds - warm.seconds / warm.calls) * 1_000);
      await running.end();
    }
    rows.push([name, ...Object.values(told).map((numbers) => spread(numbers, 1))]);
  }
  note(`${STARTS} starts of each`);
  const heads = ["Worker", "ms to listen", "CPU ms to the first answer", "ms, first less warm"];
  return `${table(heads, rows)}\n\n${compiled(build)}`;
}

/** The module alone, in a Node as new as workerd's V8. */
function compiled(build) {
  const args = [COMPILE, join(build, "index_bg.wasm")];
  const times = Array.from({ length: STARTS }, () => JSON.parse(capture(modernNode(), args)));
  const [compile, instantiate] = [0, 1].map((at) => spread(times.map((time) => time[at]), 1));
  return `The wasm module alone, in Node: compiled in ${compile} ms, instantiated in ${instantiate} ms.`;
}

/**
 * Fitting: what a long conversation costs at targets with a window, beyond what it costs at `wide`,
 * which has none. `windows` is `{name: what it means}`. Answers text with a table.
 */
export async function measureFit(worker, windows, files) {
  const rows = [];
  for (const [target, meaning] of Object.entries(windows)) {
    const [wide, cut] = ["wide", target].map((model) => files.put(chatRequest(LONG, model)));
    const told = { first: [], later: [] };
    for (let round = 0; round < STARTS; round++) {
      const running = await serve(worker);
      await cost(running, wide);
      const uncut = await cost(running, wide);
      const [first] = [await cost(running, cut, 1), await cost(running, cut)];
      const later = await cost(running, cut);
      told.first.push((first - uncut) / 1_000);
      told.later.push((later - uncut) / 1_000);
      await running.end();
    }
    rows.push([meaning, ...Object.values(told).map((numbers) => spread(numbers, 1))]);
  }
  note(`${STARTS} isolates for each`);
  return table(["window", "CPU ms, first in the isolate", "CPU ms, later"], rows);
}

/** CPU in microseconds that one call costs. */
async function cost(running, body, calls = WARM_CALLS) {
  const before = cpuMicroseconds(running.pid);
  await callEach(calls, 1, running.address, body);
  return (cpuMicroseconds(running.pid) - before) / calls;
}

function kilobytes(bytes) {
  return (bytes.length / 1_000).toFixed(0);
}
