// What `npm run home` is told: one table of options, from which the help is made too.
//
// All mistakes are told at once, each with the option, what was given and what would be right,
// because a wrong name or tag shows only much later, as a refusal from far away.

import { parseArgs } from "node:util";
import { Failed } from "../run.mjs";
import { SYSTEMS, thisSystem } from "./systems.mjs";
import { aud, baseUrl, context, hostname, port, system, team, text, uuid } from "./values.mjs";

const SETUP = ["setup"];
const CHECK = ["check"];
const BOTH = ["setup", "check"];

/** By name: what stands for the value in the help, how it is read, where it belongs, what it is. */
const TABLE = {
  hostname: { value: "<name>", read: hostname, in: SETUP, is: "the box's public name" },
  tunnel: {
    value: "<uuid>",
    read: uuid,
    in: SETUP,
    is: "the tunnel that `cloudflared tunnel create` made",
  },
  team: {
    value: "<team>",
    read: team,
    in: SETUP,
    is: "the Access team, so that cloudflared checks Access itself",
  },
  aud: {
    value: "<tag>",
    read: aud,
    in: SETUP,
    is: "the Access application's AUD tag; goes with --team",
  },
  port: { value: "<port>", read: port, in: SETUP, is: "Ollama's port (default: 11434)" },
  out: { value: "<folder>", read: text, in: SETUP, is: "where the files go (default: home-setup)" },
  vpc: { in: SETUP, is: "no public name: the Worker reaches the box by a Workers VPC binding" },
  os: {
    value: Object.keys(SYSTEMS).join("|"),
    read: system,
    in: SETUP,
    is: "the box's system (default: this machine's)",
  },
  force: { in: SETUP, is: "replace files that are there and differ" },
  check: {
    value: "[url]",
    in: CHECK,
    is: "look at a box that is up: at this address, or at the config's",
  },
  public: {
    in: CHECK,
    is: "hold a private address to what a public one must have: for a reverse proxy",
  },
  model: {
    value: "<model>",
    read: text,
    in: BOTH,
    is: "the model (default: llama3.2; with --check [url], the first there)",
  },
  context: { value: "<tokens>", read: context, in: BOTH, is: "its window (default: 8192)" },
  help: { in: BOTH, is: "this" },
};

/** What is taken where nothing was said, beside this machine's system. */
export const DEFAULTS = { port: 11434, out: "home-setup", model: "llama3.2", context: 8192 };

/**
 * What the words of a command line mean: `{mode: "help"}`; `{mode: "check", url, model, context,
 * public}`, where only `mode` is sure to be there; or `{mode: "setup", hostname, tunnel, team, aud,
 * port, out, vpc, os, force, model, context}`, where `tunnel`, `team` and `aud` may be missing, and
 * `hostname` is exactly where `vpc` is not.
 */
export function readOptions(words) {
  const mistakes = [];
  const { given, places } = gather(words, mistakes);
  if (given.help) return { mode: "help" };
  const mode = given.check ? "check" : "setup";
  const told = { mode };
  for (const [name, value] of Object.entries(given)) {
    const option = TABLE[name];
    if (!option.in.includes(mode)) {
      const why = mode === "check" ? "has no meaning with --check" : "belongs to --check";
      mistakes.push(`--${name} ${why}.`);
    } else if (option.read) {
      take(mistakes, name, () => (told[name] = option.read(value)));
    } else told[name] = true;
  }
  // After a mistyped name the rest of the line means something else than it seems to.
  if (mistakes.length === 0 && mode === "check") place(told, places, mistakes);
  if (mistakes.length === 0 && mode === "setup") combine(told, places, mistakes);
  if (mistakes.length > 0) {
    throw new Failed(`${mistakes.join("\n")}\nAll that can be said: npm run home -- --help`);
  }
  return mode === "check" ? told : { ...DEFAULTS, os: thisSystem(), ...told };
}

/** The help. */
export function helpText() {
  const lines = Object.entries(TABLE).map(([name, { value = "", is }]) => {
    return `  ${`--${name} ${value}`.padEnd(32)} ${is}`;
  });
  return [
    "npm run home -- --hostname ollama.example.com    writes what the box needs, and says what to do",
    "npm run home -- --check                          looks at the config's box, which is up",
    "npm run home -- --check https://ollama.example.com --model llama3.2 --context 8192",
    "",
    ...lines,
    "",
    "--check reads the secrets that the config names from the environment and .dev.vars; for an",
    "address of yours they are CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET.",
  ].join("\n");
}

/** The options as they were given, and the words that are none. */
function gather(words, mistakes) {
  const kinds = Object.entries(TABLE).map(([name, { read }]) => {
    return [name, { type: read ? "string" : "boolean" }];
  });
  const options = { ...Object.fromEntries(kinds), help: { type: "boolean", short: "h" } };
  const { tokens } = parseArgs({ args: words, options, strict: false, tokens: true });
  const given = {};
  const places = [];
  for (const { kind, name, rawName, value } of tokens) {
    if (kind === "positional") places.push(value);
    else if (kind !== "option") continue;
    else if (!(name in TABLE)) mistakes.push(`There is no option ${rawName}${nearest(name)}`);
    else if (TABLE[name].read && (value === undefined || value.startsWith("--"))) {
      mistakes.push(`--${name} needs a value: --${name} ${TABLE[name].value}`);
    } else if (!TABLE[name].read && value !== undefined) {
      // `--check=URL` means what `--check URL` does; of the others none has a value.
      if (name === "check") places.push(value);
      else mistakes.push(`--${name} takes no value, and was given "${value}".`);
      given[name] = true;
    } else given[name] = value ?? true;
  }
  return { given, places };
}

/** What `--check` is to look at. */
function place(told, places, mistakes) {
  const [url, ...more] = places;
  if (url !== undefined) take(mistakes, "check", () => (told.url = baseUrl(url)));
  more.forEach((word) => mistakes.push(`"${word}" is one address too many: --check takes one.`));
  const chosen = ["model", "context"].filter((name) => name in told);
  if (url === undefined && chosen.length > 0) {
    mistakes.push(
      `--${chosen[0]} needs an address: --check <url>. Without one the config says it.`,
    );
  }
}

/** What of the set-up goes together. */
function combine(told, places, mistakes) {
  places.forEach((word) => mistakes.push(`"${word}" belongs to no option.`));
  if (told.vpc) {
    for (const name of ["hostname", "team", "aud"].filter((name) => name in told)) {
      mistakes.push(`--${name} has no meaning with --vpc: the box gets no public name.`);
    }
  } else if (!told.hostname) {
    mistakes.push("--hostname is needed, such as --hostname ollama.example.com; or --vpc.");
  }
  for (const [one, other] of [
    ["team", "aud"],
    ["aud", "team"],
  ]) {
    // cloudflared takes an empty list of tags, and then lets nothing through.
    if (!told.vpc && told[one] && !told[other]) {
      mistakes.push(`--${one} needs --${other} beside it: --${other} ${TABLE[other].value}`);
    }
  }
}

function take(mistakes, name, read) {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    mistakes.push(`--${name}: ${error.message}`);
  }
}

/** The option that was probably meant. */
function nearest(name) {
  const [best] = Object.keys(TABLE)
    .map((known) => ({ known, apart: distance(name, known) }))
    .sort((a, b) => a.apart - b.apart);
  return best.apart <= 2 ? `. Did you mean --${best.known}?` : ".";
}

/** How many letters have to be put in, taken out or changed. */
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [down, letter] of [...from].entries()) {
    const next = [down + 1];
    for (const [at, other] of [...to].entries()) {
      next.push(Math.min(next[at] + 1, row[at + 1] + 1, row[at] + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1);
}
