// What a check has found: one line each, with a mark, what was seen, and what to do about it.

const MARKS = { good: "✓", bad: "✗", open: "–" };

/** All is well. */
export function good(name, seen) {
  return { mark: "good", name, seen };
}

/** Something is wrong; `todo` says what mends it. */
export function bad(name, seen, todo) {
  return { mark: "bad", name, seen, todo };
}

/** Not wrong, but not proved either. */
export function open(name, seen) {
  return { mark: "open", name, seen };
}

/** The line. */
export function line({ mark, name, seen, todo }) {
  return `  ${MARKS[mark]} ${name.padEnd(10)} ${seen}${todo ? ` -> ${todo}` : ""}`;
}

/** A number of milliseconds, in words. */
export function time(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
