// Streamed answers: what passing on one chunk costs.

import { chatRequest } from "./conversation.mjs";
import { callEach } from "./ends.mjs";
import { median, ratio, table } from "./figures.mjs";
import { cpuMicroseconds, serve } from "./workerd.mjs";
import { note } from "../../scripts/say.mjs";

const STREAMS = 10;
/** What the upstream writes: 1,000 pieces of text, the finish reason, the usage and the marker. */
const CHUNKS = STREAMS * 1_003;

/**
 * Measures, for each pace `{label, workers}`, the Workers of `{forward, loop, pilotlight}` in
 * turns; answers text with a table.
 */
export async function measureStreams(paces, files, { rounds }) {
  const request = JSON.parse(chatRequest(512, "auto"));
  const body = files.put(JSON.stringify({ ...request, stream: true }));
  const rows = [];
  for (const { label, workers } of paces) {
    const names = Object.keys(workers);
    const running = await Promise.all(names.map((name) => serve(workers[name])));
    for (const worker of running) await callEach(1, STREAMS, worker.address, body);
    const measured = names.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [at, worker] of running.entries()) {
        const before = cpuMicroseconds(worker.pid);
        await callEach(1, STREAMS, worker.address, body);
        measured[at].push((cpuMicroseconds(worker.pid) - before) / CHUNKS);
      }
    }
    const loop = measured[names.indexOf("loop")];
    rows.push(
      ...names.map((name, at) => [
        at === 0 ? label : "",
        name,
        median(measured[at]).toFixed(1),
        ratio(measured[at], loop),
      ]),
    );
    for (const worker of running) await worker.end();
    note(`${label}: ${rounds} rounds`);
  }
  return table(["chunks", "Worker", "CPU µs a chunk", "CPU, of the loop's"], rows);
}
