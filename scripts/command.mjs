// The frame of a command: what it started ends with it, and a failure is one clear line.
//
// Ctrl-C, a polite kill and a closed terminal end the children too. A failure that was foreseen
// needs no stack trace; any other is a fault of these scripts, and shows where.

import { endAll, Failed } from "./run.mjs";
import { elapsed } from "./say.mjs";

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
let stopping = false;

/** Runs `body` as the whole of a command. */
export async function command(body) {
  Object.keys(EXIT_CODES).forEach((signal) => process.on(signal, () => stop(EXIT_CODES[signal])));
  try {
    await body();
  } catch (error) {
    // A child that was told to stop has not failed.
    if (stopping) return;
    console.error(
      `\n[${elapsed()}] FAILED: ${error instanceof Failed ? error.message : error.stack}`,
    );
    await stop(1);
  }
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  await endAll();
  process.exit(code);
}
