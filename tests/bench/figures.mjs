// Figures: the middle and the range of what was measured, and tables of them.
//
// Times of one Worker differ by a third from minute to minute on a busy machine, so what counts are
// the ratios of two Workers that were measured one right after the other, round by round.

/** The middle of some numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.floor(half)] + sorted[Math.ceil(half) - 1]) / 2;
}

/** `1.05 (0.98-1.10)`: the middle and the range. */
export function spread(numbers, digits = 2) {
  const [middle, least, most] = [median(numbers), Math.min(...numbers), Math.max(...numbers)];
  return `${middle.toFixed(digits)} (${least.toFixed(digits)}-${most.toFixed(digits)})`;
}

/** Ratios round by round, as `spread` writes them. */
export function ratio(ours, theirs) {
  return spread(ours.map((one, round) => one / theirs[round]));
}

/** A table in Markdown that is readable as it is. */
export function table(heads, rows) {
  const widths = heads.map((head, at) => Math.max(...[head, ...rows.map((row) => row[at])].map(width)));
  const line = (cells) => `| ${cells.map((cell, at) => cell + pad(widths[at] - width(cell))).join(" | ")} |`;
  const rule = `|${widths.map((wide) => "-".repeat(wide + 2)).join("|")}|`;
  return [line(heads), rule, ...rows.map(line)].join("\n");
}

function width(text) {
  return [...text].length;
}

function pad(count) {
  return " ".repeat(count);
}
