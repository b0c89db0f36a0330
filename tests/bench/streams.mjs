// Streamed answers: what passing on one chunk costs, and how many chunks may be passed on.

import { allowanceLine, chunksAllowed } from "./allowance.mjs";
import { chatRequest } from "./conversation.mjs";
import { callEach, callFor } from "./ends.mjs";
import { median, ratio, table } from "./figures.mjs";
import { cpuOfOne, serve } from "./workerd.mjs";
import { note } from "../../scripts/say.mjs";

const STREAMS = 10;
/** What the upstream writes after the text: the finish reason, the usage and the marker. */
const CODA = 3;
const LONG = 1_000;
const SHORT = 1;
const WARM_SECONDS = 1;

/**
 * Measures, for each pace `{label, workers}`, the Workers in turns; one of them is `loop`. Answers text
 * with a table.
 */
export async function measureStreams(paces, files, { rounds, seconds }) {
  const [long, short] = [LONG, SHORT].map((pieces) => {
    const asked = { stream: true, max_completion_tokens: pieces };
    return { chunks: pieces + CODA, body: files.put(chatRequest(512, "auto", asked)) };
  });
  const once = (worker) => callEach(1, STREAMS, worker.address, long.body);
  const often = (worker, time) => callFor(time, STREAMS, worker.address, short.body);
  const rows = [];
  const lines = [];
  for (const { label, workers } of paces) {
    const names = Object.keys(workers);
    const running = await Promise.all(names.map((name) => serve(workers[name])));
    for (const worker of running) {
      await once(worker);
      await often(worker, WARM_SECONDS);
    }
    const measured = names.map(() => ({ long: [], short: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const [at, worker] of running.entries()) {
        measured[at].long.push(await cpuOfOne(worker, () => once(worker)));
        measured[at].short.push(await cpuOfOne(worker, () => often(worker, seconds)));
      }
    }
    for (const worker of running) await worker.end();
    const loop = measured[names.indexOf("loop")];
    rows.push(
      ...names.map((name, at) => [
        at === 0 ? label : "",
        name,
        (median(measured[at].long) / long.chunks).toFixed(1),
        ratio(measured[at].long, loop.long),
        median(measured[at].short).toFixed(0),
      ]),
    );
    const rooms = names.map((name, at) => {
      const [few, many] = [measured[at].short, measured[at].long];
      return [name, chunksAllowed({ ...short, cpu: few }, { ...long, cpu: many })];
    });
    lines.push(allowanceLine(label, Object.fromEntries(rooms)));
    note(`${label}: ${rounds} rounds`);
  }
  const heads = ["chunks", "Worker", "CPU µs a chunk", "CPU, of the loop's"];
  return [table([...heads, `CPU µs, stream of ${short.chunks}`], rows), ...lines].join("\n\n");
}
