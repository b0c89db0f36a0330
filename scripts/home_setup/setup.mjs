// Writes the files for a box, and says what to do with them.
//
// All or nothing: where one file is there already and differs, none is written, because a config
// that was edited by hand is worth more than one that can be made again.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failed } from "../run.mjs";
import { snippet } from "./snippet.mjs";
import { asMarkdown, asText, steps } from "./steps.mjs";
import { SYSTEMS } from "./systems.mjs";
import { tunnelConfig } from "./tunnel.mjs";

/** Writes the files into the folder, and prints the steps. */
export function writeSetup(told) {
  const files = filesFor(told);
  const folder = resolve(told.out);
  const state = Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    const before = existsSync(path) ? readFileSync(path, "utf8") : undefined;
    return { name, path, text, before };
  });
  const edited = state.filter(({ before, text }) => before !== undefined && before !== text);
  if (edited.length > 0 && !told.force) {
    throw new Failed(
      `${edited.map(({ path }) => path).join("\n")}\n` +
        "is there and differs, so nothing was written. " +
        "Add --force to replace it, or --out for another folder.",
    );
  }
  mkdirSync(folder, { recursive: true });
  for (const { name, path, text, before } of state) {
    if (before !== text) writeFileSync(path, text);
    const done = { [text]: "unchanged" }[before] ?? (before === undefined ? "written" : "replaced");
    console.log(`${done.padEnd(10)} ${join(told.out, name)}`);
  }
  console.log(`\n${asText(steps(told))}`);
}

/** `{name: text}` of all files. */
function filesFor(told) {
  return {
    "config.yml": tunnelConfig(told),
    ...SYSTEMS[told.os].ollamaFiles(told),
    "wrangler.snippet.toml": snippet(told),
    "NEXT-STEPS.md": asMarkdown(steps(told)),
  };
}
