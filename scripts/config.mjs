// The gateway's config and secrets as `npm start` hands them to wrangler.
//
// Both go through one file that only its owner can read, and that is gone when the command ends: a
// command line can be read by every user of the machine. Wrangler reads it as its --env-file, in
// place of `.dev.vars`, whose entries are therefore in it too.

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Failed } from "./run.mjs";
import { HOME_BOX, ROOT } from "./tree.mjs";

const OWN_KEYS = ["PILOTLIGHT_KEYS", "PILOTLIGHT_ADMIN_KEY"];
const SECRET_FIELDS = ["key", "access_id", "access_secret"];

/** The config table: from `.dev.vars` where it stands there, else from wrangler.toml. */
export async function readConfig() {
  const text = devVars().PILOTLIGHT;
  if (text) return parsed(".dev.vars: PILOTLIGHT", () => JSON.parse(text));
  // Not at the top: the package is there only once the npm packages are installed.
  const { parse } = await import("smol-toml");
  const file = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const table = parsed("wrangler.toml", () => parse(file)).vars?.PILOTLIGHT;
  if (table) return typeof table === "string" ? JSON.parse(table) : table;
  throw new Failed("wrangler.toml has no table [vars.PILOTLIGHT].");
}

/** The secrets that are set, by name, of those that the config or the gateway names. */
export function secretsFor(config) {
  const known = { ...devVars(), ...process.env };
  const names = [...OWN_KEYS, ...Object.values(config.targets ?? {}).flatMap(secretNames)];
  return Object.fromEntries(names.filter((name) => known[name]).map((name) => [name, known[name]]));
}

/** The names of the secrets that one target needs. */
export function secretNames(target) {
  return SECRET_FIELDS.map((field) => target?.[field]).filter(Boolean);
}

/** Writes config and secrets for wrangler; answers the file's path. */
export function writeEnvFile(config, secrets) {
  const path = join(HOME_BOX, "dev.env");
  const { PILOTLIGHT: _, ...others } = devVars();
  const lines = Object.entries({ ...others, ...secrets }).map(([name, value]) => line(name, value));
  lines.push(line("PILOTLIGHT", plainJson(config)));
  mkdirSync(HOME_BOX, { recursive: true });
  writeFileSync(path, "", { mode: 0o600 });
  chmodSync(path, 0o600);
  writeFileSync(path, `${lines.join("\n")}\n`);
  process.on("exit", () => rmSync(path, { force: true }));
  return path;
}

function devVars() {
  const path = join(ROOT, ".dev.vars");
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}

/**
 * One line as dotenv reads it: text between these quotes is taken as it is, but can neither hold
 * the quote itself nor end with a backslash, and a `$` is expanded unless escaped.
 */
function line(name, value) {
  const quote = ["'", "`"].find((mark) => !value.includes(mark));
  if (!quote || value.endsWith("\\"))
    throw new Failed(`The secret ${name} cannot be written in an env file.`);
  return `${name}=${quote}${value.replaceAll("$", "\\$")}${quote}`;
}

/** JSON without the characters that mean something to dotenv. */
function plainJson(value) {
  const escape = (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replaceAll(/['`$]/g, escape);
}

function parsed(where, parse) {
  try {
    return parse();
  } catch (error) {
    throw new Failed(`${where} cannot be read: ${error.message}`);
  }
}
