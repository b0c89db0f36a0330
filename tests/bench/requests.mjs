// Chat requests that are not streamed: how many a second, and what one costs.

import { chatRequest } from "./conversation.mjs";
import { callFor } from "./ends.mjs";
import { median, ratio, table } from "./figures.mjs";
import { cpuMicroseconds, serve } from "./workerd.mjs";
import { note } from "../../scripts/say.mjs";

const SIZES = { "0.5 kB": 512, "50 kB": 50_000, "200 kB": 200_000 };
const CONNECTIONS = 8;
const WARM_SECONDS = 1;

/** Measures the Workers of `{forward, peer, pilotlight}` in turns; answers text with a table. */
export async function measureRequests(workers, files, { rounds, seconds }) {
  const names = Object.keys(workers);
  const running = await Promise.all(names.map((name) => serve(workers[name])));
  const rows = [];
  for (const [label, size] of Object.entries(SIZES)) {
    const body = files.put(chatRequest(size, "auto"));
    for (const worker of running) await callFor(WARM_SECONDS, CONNECTIONS, worker.address, body);
    const measured = names.map(() => ({ rate: [], cpu: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const [at, worker] of running.entries()) {
        const before = cpuMicroseconds(worker.pid);
        const told = await callFor(seconds, CONNECTIONS, worker.address, body);
        const used = cpuMicroseconds(worker.pid) - before;
        measured[at].rate.push(told.calls / told.seconds);
        measured[at].cpu.push(used / told.calls);
      }
    }
    rows.push(...rowsOf(label, names, measured));
    note(`${label}: ${rounds} rounds`);
  }
  for (const worker of running) await worker.end();
  const heads = ["body", "Worker", "requests/s", "CPU µs", "requests/s, of forward's"];
  return table([...heads, "of the peer's", "CPU, of the peer's"], rows);
}

function rowsOf(label, names, measured) {
  const [forward, peer] = ["forward", "peer"].map((name) => measured[names.indexOf(name)]);
  return names.map((name, at) => [
    at === 0 ? label : "",
    name,
    median(measured[at].rate).toFixed(0),
    median(measured[at].cpu).toFixed(0),
    ratio(measured[at].rate, forward.rate),
    ratio(measured[at].rate, peer.rate),
    ratio(measured[at].cpu, peer.cpu),
  ]);
}
