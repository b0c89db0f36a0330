// What is home while `npm start` runs: what the config says, an Ollama here, or the embedded box.
//
// A config that points home at another machine (a tunnel, the LAN) or another server than Ollama is
// taken at its word. One that names an Ollama on this machine is filled in with what is really
// here, so that the first `curl` of a newcomer is answered by a real model whatever is installed. So is
// one whose home is behind a Workers VPC service: `wrangler dev --local` has none to reach it by.

import { note } from "../say.mjs";
import { startEmbedded } from "./embedded.mjs";
import { chooseModel, ollamaUrl, probeOllama } from "./ollama.mjs";

/** The config with its home target filled in, a sentence that says what it is, and its process. */
export async function chooseHome(config) {
  const name = homeName(config);
  const written = config.targets?.[name];
  const isBound = Boolean(written?.binding);
  const configured = isBound ? standIn(written) : written;
  if (isBound) {
    note(`Target ${name} is behind the binding ${written.binding}, which only a deployed gateway has:`);
    note("here, a model on this machine stands in for it.");
  } else if (configured && !isOllamaHere(configured)) {
    return { config, home: `target ${name} at ${configured.base_url}, as the config says` };
  }
  const url = ollamaUrl(process.env.OLLAMA_HOST || configured?.base_url);
  const box = await probeOllama(url);
  const choice = box && (await chooseModel(url, box.models, configured));
  if (choice) {
    const filled = { ...configured, provider: "ollama", base_url: url, home: true };
    const home = `Ollama ${box.version} at ${url}, model ${choice.target.model}${choice.because}`;
    return { config: withTarget(config, name, { ...filled, ...choice.target }), home };
  }
  if (box) {
    note(`Ollama answers at ${url}, but has no chat model of its own; to give it one:`);
    note(`  ollama pull ${configured?.model ?? "llama3.2"}`);
    note("Until then the embedded box is home.");
  }
  const { target, engine } = await startEmbedded();
  const home = `the embedded box, model ${target.model} at ${target.base_url}`;
  return {
    config: withTarget(config, name, { ...settingsOf(configured), ...target }),
    home,
    engine,
  };
}

function homeName({ targets = {} }) {
  return Object.keys(targets).find((name) => targets[name]?.home === true) ?? "home";
}

function isOllamaHere({ provider, base_url: url }) {
  const host = URL.canParse(url) ? new URL(url).hostname : "";
  return provider === "ollama" && /^(localhost|\[::1\]|127\..*)$/.test(host);
}

/** A target behind a binding without what holds only there. */
function standIn(written) {
  const { binding, company, key, access_id, access_secret, ...rest } = written;
  return rest;
}

/** The time-outs and the like: what holds for any home, whatever it speaks and wherever it is. */
function settingsOf(configured) {
  const { keep_alive, key, access_id, access_secret, ...settings } = configured ?? {};
  return settings;
}

function withTarget(config, name, target) {
  const isRouted = Object.values(config.routes ?? {}).some((targets) => targets?.includes?.(name));
  const routes = isRouted ? config.routes : { ...config.routes, [name]: [name] };
  return { ...config, routes, targets: { ...config.targets, [name]: target } };
}
