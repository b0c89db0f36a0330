// An Ollama on this machine: is one there, and which of its models is home?
//
// A model whose name says `cloud` is answered by Ollama's own cloud, and is not home; nor is one
// that can only embed. What a model can do is asked of /api/show: older servers do not list it.

const PROBE_MS = 2_000;
const DEFAULT_CONTEXT = 8192;

/** The address that a value of OLLAMA_HOST means, by Ollama's own rules (envconfig/config.go). */
export function ollamaUrl(given = "") {
  const [, scheme, host, port] = given
    .trim()
    .match(/^(?:(https?):\/\/)?(\[[^\]]*\]|[^/:]*)(?::(\d+))?/);
  const defaultPort = { http: 80, https: 443 }[scheme] ?? 11434;
  // An address to listen on is not one to call.
  const callable = ["", "0.0.0.0", "[::]"].includes(host) ? "127.0.0.1" : host;
  return `${scheme ?? "http"}://${callable}:${port ?? defaultPort}`;
}

/** The server's version and the names of its own models, or undefined when none answers. */
export async function probeOllama(url) {
  const version = (await ask(`${url}/api/version`))?.version;
  if (typeof version !== "string") return undefined;
  const tags = await ask(`${url}/api/tags`);
  const models = (tags?.models ?? [])
    .filter((model) => !isRemote(model))
    .map((model) => model.name);
  return { version, models };
}

/** The configured model if it is there, else the first that can chat; its window with it. */
export async function chooseModel(url, models, configured) {
  const wanted = configured?.model;
  const present = wanted && models.find((name) => tagged(name) === tagged(wanted));
  const candidates = present ? [present] : models;
  for (const name of candidates) {
    const shown = await ask(`${url}/api/show`, { model: name });
    if (shown && canChat(shown)) {
      const context = Math.min(configured?.context ?? DEFAULT_CONTEXT, trainedContext(shown));
      const because = present || !wanted ? "" : ` (the configured "${wanted}" is not there)`;
      return { target: { model: name, context }, because };
    }
  }
  return undefined;
}

/** Whether a model of the list is answered by Ollama's own cloud. */
export function isRemote({ name, remote_host: remoteHost }) {
  return Boolean(remoteHost) || /[:-]cloud$/.test(name);
}

/** A model's name with its tag, as names are compared. */
export function tagged(name) {
  const lower = name.toLowerCase();
  return lower.includes(":") ? lower : `${lower}:latest`;
}

function canChat({ capabilities, details }) {
  return capabilities?.includes("completion") ?? !/bert/.test(details?.family ?? "");
}

function trainedContext({ model_info: info = {} }) {
  return info[`${info["general.architecture"]}.context_length`] ?? Infinity;
}

async function ask(url, body) {
  try {
    const post = body && { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(url, { ...post, signal: AbortSignal.timeout(PROBE_MS) });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    // Refused, silent or something other than Ollama: for every one of these, no Ollama is there.
    return undefined;
  }
}
