// Progress lines: what is being done now, and how long it has been since the command began.
//
// Why not a spinner: the first run takes half an hour on a small machine, often in a CI log, where
// only whole lines can be read afterwards.

const began = performance.now();

/** Opens a step. */
export function headline(text) {
  console.log(`\n[${elapsed()}] ${text}`);
}

/** Adds a fact to the step that is open. */
export function note(text) {
  console.log(`[${elapsed()}]   ${text}`);
}

/** Says what could not be had, and what follows from it, so that nobody can overlook it. */
export function warn(text) {
  const rule = "!".repeat(100);
  console.error(`\n${rule}\n${text}\n${rule}\n`);
}

/** Minutes and seconds since the command began. */
export function elapsed() {
  return clock(performance.now() - began);
}

/** Writes a number of milliseconds as `minutes:seconds`. */
export function clock(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
