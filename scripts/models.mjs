// `node scripts/models.mjs <json>`: where src/models/models.tsv and LiteLLM's table differ.
//
// For who keeps our table. It tells and never writes: the table holds what two collections agree
// on, and neither alone may change it. The file is `model_prices_and_context_window.json` of
// LiteLLM's repository, or the copy that its Python package has (`*_backup.json`).

import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { command } from "./command.mjs";
import { Failed } from "./run.mjs";
import { ROOT } from "./tree.mjs";

const TABLE = join(ROOT, "src", "models", "models.tsv");
const USAGE =
  "usage: node scripts/models.mjs <LiteLLM's json> [--company <name>]\n" +
  "  prints what differs from src/models/models.tsv, and the models that it lacks";

/** The companies that are looked at: LiteLLM's name for each, and what is before its models. */
const COMPANIES = {
  anthropic: { provider: "anthropic", prefix: "" },
  gemini: { provider: "gemini", prefix: "gemini/" },
  groq: { provider: "groq", prefix: "groq/" },
  mistral: { provider: "mistral", prefix: "mistral/" },
  openai: { provider: "openai", prefix: "" },
  openrouter: { provider: "openrouter", prefix: "openrouter/" },
  together: { provider: "together_ai", prefix: "together_ai/" },
};

/** What is spoken with; LiteLLM lists models that draw, embed and transcribe too. */
const MODES = ["chat", "responses"];

/** Below this, in tokens, an entry is a classifier or a class of prices. */
const LEAST_WINDOW = 4_000;

/** What is compared: a column of ours, and how the same is read from an entry of theirs. */
const COLUMNS = {
  in: (entry) => dollars(entry.input_cost_per_token),
  out: (entry) => dollars(entry.output_cost_per_token),
  cached: (entry) => dollars(entry.cache_read_input_token_cost),
  cache_write: (entry) => dollars(entry.cache_creation_input_token_cost),
  up_to: longestAtThisPrice,
  window: (entry) => entry.max_input_tokens,
  max_output: (entry) => entry.max_output_tokens,
};
const PRICES = ["in", "out", "cached", "cache_write", "up_to"];

await command(async () => {
  const { file, companies } = told();
  const ours = readOurs();
  const theirs = readTheirs(file);
  for (const company of companies) {
    const [rows, entries] = [ours, theirs].map((models) => models.get(company) ?? new Map());
    section(`${company}: what differs`, differences(rows, entries));
    section(`${company}: rows that LiteLLM has not`, strangers(rows, entries));
    section(`${company}: models that the table has not`, missing(rows, entries));
  }
});

function told() {
  let given;
  try {
    given = parseArgs({ allowPositionals: true, options: { company: { type: "string" } } });
  } catch (error) {
    throw new Failed(`${error.message}\n${USAGE}`);
  }
  const { company } = given.values;
  if (given.positionals.length !== 1) throw new Failed(USAGE);
  if (company !== undefined && !Object.hasOwn(COMPANIES, company))
    throw new Failed(`no company ${company}: ${Object.keys(COMPANIES).join(", ")}`);
  return { file: given.positionals[0], companies: company ? [company] : Object.keys(COMPANIES) };
}

/** Our rows: `company -> model -> {column: cell}`. */
function readOurs() {
  const lines = readFileSync(TABLE, "utf8").split("\n");
  const [header, ...rows] = lines
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split("\t"));
  const lacking = ["company", "model", ...Object.keys(COLUMNS)].filter((c) => !header.includes(c));
  if (lacking.length) throw new Failed(`${relative(ROOT, TABLE)} has no column ${lacking}`);
  const models = new Map();
  for (const cells of rows) {
    const row = Object.fromEntries(header.map((column, at) => [column, cells[at] ?? ""]));
    put(models, row.company, row.model, row);
  }
  return models;
}

/** Their entries that are looked at: `company -> model -> entry`. */
function readTheirs(file) {
  let table;
  try {
    table = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Failed(`${file} cannot be read as JSON: ${error.message}\n${USAGE}`);
  }
  const models = new Map();
  for (const [name, entry] of Object.entries(table)) {
    const company = Object.keys(COMPANIES).find(
      (known) => COMPANIES[known].provider === entry?.litellm_provider,
    );
    if (!company || !MODES.includes(entry.mode) || name.startsWith("ft:")) continue;
    const { prefix } = COMPANIES[company];
    if (!name.startsWith(prefix)) continue;
    put(models, company, name.slice(prefix.length), entry);
  }
  if (models.size === 0) throw new Failed(`${file} has no models of ours: is it LiteLLM's table?`);
  return models;
}

function put(models, company, model, what) {
  if (!models.has(company)) models.set(company, new Map());
  models.get(company).set(model, what);
}

/** Cells that differ. A price is compared where the row has prices, a size where both have it. */
function differences(rows, entries) {
  const lines = [];
  for (const [model, row] of rows) {
    const entry = entries.get(model);
    if (!entry) continue;
    for (const [column, read] of Object.entries(COLUMNS)) {
      const [here, there] = [number(row[column]), read(entry)];
      const wanted = PRICES.includes(column) ? row.in !== "" : here && there;
      if (wanted && here !== there) lines.push(difference(model, column, here, there));
    }
  }
  return lines;
}

function difference(model, column, here, there) {
  const say = (value) => value?.toLocaleString("en-US", { maximumFractionDigits: 6 }) ?? "nothing";
  return `${model}  ${column}: ${say(here)} here, ${say(there)} there`;
}

/** Rows of ours that they do not list: retired, or listed by others alone. */
function strangers(rows, entries) {
  if (entries.size === 0) return ["(LiteLLM lists no model of this company)"];
  return [...rows.keys()].filter((model) => !entries.has(model));
}

/** Models that they list, still served, and that neither a row of ours nor its undated name has. */
function missing(rows, entries) {
  const today = new Date().toISOString().slice(0, 10);
  const lines = [];
  for (const [model, entry] of entries) {
    const { max_input_tokens: window, deprecation_date: ends } = entry;
    const covered = rows.has(model) || rows.has(undated(model));
    const over = ends !== undefined && ends <= today;
    if (covered || over || !(window >= LEAST_WINDOW)) continue;
    const until = ends ? `, until ${ends}` : "";
    lines.push(`${model}  (${entry.mode}, ${window.toLocaleString("en-US")} tokens${until})`);
  }
  return lines;
}

/** A model's name without the date or `-latest` at its end, as `models` finds rows. */
function undated(model) {
  return model.replace(/-(latest|\d{4}-\d{2}-\d{2}|\d{8})$/, "");
}

/** The longest prompt before the company asks more, where it does. */
function longestAtThisPrice(entry) {
  const steps = Object.keys(entry)
    .map((key) => /^input_cost_per_token_above_(\d+)k_tokens$/.exec(key)?.[1])
    .filter(Boolean);
  return steps.length ? Math.min(...steps.map(Number)) * 1_000 : undefined;
}

/** Dollars for a million tokens, without the dust of binary fractions. */
function dollars(each) {
  return each === undefined || each === null ? undefined : Number((each * 1e6).toPrecision(9));
}

function number(cell) {
  return cell === "" ? undefined : Number(cell);
}

function section(title, lines) {
  if (lines.length === 0) return;
  console.log(`\n${title}`);
  for (const line of lines.sort()) console.log(`  ${line}`);
}
