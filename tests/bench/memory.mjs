// Memory: what a stream takes up that is open and in the middle of its answer.
//
// Measured from streams to more streams. What the first ones make the process grow by is mostly room
// that it keeps, and the next ones use too.
//
// An engine with room to spare leaves its garbage lying, and a chunk leaves some 3 kB: that of a
// hundred is more than all that is kept of a stream. So the engine is made to collect it, which tells
// what streams need; what they take up when it is left alone stands beside it.

import { setTimeout as sleep } from "node:timers/promises";
import { chatRequest } from "./conversation.mjs";
import { openStreams } from "./ends.mjs";
import { median, spread, table } from "./figures.mjs";
import { residentKilobytes, serve } from "./workerd.mjs";
import { note } from "../../scripts/say.mjs";

const SIZES = { "0.5 kB": 512, "50 kB": 50_000 };
const FIRST = 50;
const MORE = 200;
/** Processes that are measured of each: they differ by a hundredth. */
const PROCESSES = 3;
/** Pieces of text after which the streams rest. */
const PIECES = 100;
/** How long a process is left alone before it is looked at. */
const SETTLE_MS = 1_000;
/**
 * The whole heap is collected with every megabyte of garbage. workerd warns that what it has compiled
 * beforehand is for other flags.
 */
const COLLECTING = ["--gc-global", "--max-semi-space-size=1"];

/** Measures `{name: Worker}`, whose upstream pauses; answers text with a table. */
export async function measureMemory(workers, files) {
  const rows = [];
  for (const [label, size] of Object.entries(SIZES)) {
    const asked = { stream: true, max_completion_tokens: PIECES };
    const body = files.put(chatRequest(size, "auto", asked));
    for (const [name, worker] of Object.entries(workers)) {
      const kept = await inProcesses({ ...worker, v8Flags: COLLECTING }, body);
      const grown = await inProcesses(worker, body);
      const megabytes = [kept.few, kept.many].map((all) => (median(all) / 1_000).toFixed(1));
      rows.push([label, name, ...megabytes, spread(kept.each, 0), spread(grown.each, 0)]);
    }
    note(`${label}: ${PROCESSES} processes of each`);
  }
  const heads = [`MB with ${FIRST} open`, `MB with ${FIRST + MORE} open`, "kB a stream"];
  return table(["request", "Worker", ...heads, "kB a stream, with garbage"], rows);
}

async function inProcesses(worker, body) {
  const told = { few: [], many: [], each: [] };
  for (let process = 0; process < PROCESSES; process++) {
    const running = await serve(worker);
    const few = await opened(FIRST, running, body);
    const many = await opened(MORE, running, body);
    told.few.push(few.kilobytes);
    told.many.push(many.kilobytes);
    told.each.push((many.kilobytes - few.kilobytes) / MORE);
    for (const { end } of [few, many]) await end();
    await running.end();
  }
  return told;
}

/** Opens more streams; answers the memory that the process has then, and `end`. */
async function opened(count, running, body) {
  const { end } = await openStreams(count, running.address, body, `word${PIECES - 1}"`);
  await sleep(SETTLE_MS);
  return { kilobytes: residentKilobytes(running), end };
}
