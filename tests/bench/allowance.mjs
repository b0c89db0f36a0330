// How long an answer may be where the CPU of a request is limited.
//
// A request costs something however short its answer is, and then so much a chunk. Two answers of
// different lengths tell both. It is what a warm isolate's whole process uses, with the reading and
// writing of its sockets, which the provider may count otherwise.

import { median } from "./figures.mjs";

/** What Cloudflare's free plan allows a request, in microseconds of CPU. */
const ALLOWANCE = 10_000;

/**
 * How many chunks the allowance has room for. `short` and `long` are `{chunks, cpu}`: how long the
 * answers were, and what one of them cost, in microseconds, round by round.
 */
export function chunksAllowed(short, long) {
  const rounds = long.cpu.map((cost, round) => {
    const chunk = (cost - short.cpu[round]) / (long.chunks - short.chunks);
    return short.chunks + (ALLOWANCE - short.cpu[round]) / chunk;
  });
  return Math.floor(median(rounds));
}

/** A line that tells it; `rooms` is `{who: chunks}`. */
export function allowanceLine(label, rooms) {
  const told = Object.entries(rooms).map(([who, chunks]) => `${who} ${chunks.toLocaleString("en")}`);
  return `Chunks for which ${ALLOWANCE / 1_000} ms of CPU are enough here, ${label}: ${told.join(", ")}.`;
}
