// The Workers that are measured, each told which path of the upstream it is to ask.
//
// The gateway has one configuration a Worker, so every way of passing an answer on is a Worker of its
// own.

import { BUILD } from "../../scripts/tree.mjs";
import { gateway, script } from "./workerd.mjs";

/** Callers' keys; the callers in call.rs send the second. */
const KEYS = "ann=pl-2b70c5d1e8f94a6db3c2,bob=pl-9c41e07b52d64f3f8a6e";
const UPSTREAM_KEY = "sk-1d2c3b4a59687766554433221100";

/** Forwards, and looks at nothing. */
export function forward(upstream) {
  return script("forward", { UPSTREAM: `http://${upstream}/v1/chat/completions` });
}

/** Reads chunks and writes them, in JavaScript. */
export function loop(upstream) {
  return script("loop", { UPSTREAM: `http://${upstream}/v1/chat/completions` });
}

/** A gateway in JavaScript, for answers in one body. */
export function peer(upstream) {
  return script("peer", {
    UPSTREAM: `http://${upstream}/v1/chat/completions`,
    UPSTREAM_KEY,
    KEYS,
    TARGET: "cloud",
    MODEL: "small-2026-06-01",
    MAX_BODY: 8_388_608,
    TIMEOUT_MS: 60_000,
  });
}

/**
 * The gateway with these targets, a home box behind them, and two callers' keys. `mode` is what
 * becomes of a stream that breaks.
 */
export function pilotlight(targets, mode = "takeover") {
  const home = { provider: "ollama", base_url: "http://127.0.0.1:9", model: "small", home: true };
  const [first] = Object.keys(targets);
  return gateway(BUILD, {
    PILOTLIGHT: {
      default_route: "auto",
      mode,
      targets: { ...targets, home: { ...home, context: 8_192 } },
      routes: { auto: [first, "home"] },
    },
    PILOTLIGHT_KEYS: KEYS,
    UPSTREAM_KEY,
  });
}

/** The settings of a target that has the window of the first target in wrangler.toml. */
export const WINDOW = { context: 272_000 };

/** A target of OpenAI's kind. */
export function target(upstream, settings = WINDOW) {
  return {
    provider: "openai",
    company: "openai",
    base_url: `http://${upstream}/v1`,
    model: "small-2026-06-01",
    key: "UPSTREAM_KEY",
    ...settings,
  };
}

/** Everything that passes a stream on. */
export function streamers(upstream) {
  const cloud = target(upstream);
  return {
    forward: forward(upstream),
    loop: loop(upstream),
    pilotlight: pilotlight({ cloud }),
    error: pilotlight({ cloud }, "error"),
    hold: pilotlight({ cloud }, "hold"),
    untouched: pilotlight({ cloud: { ...cloud, watch: false } }, "error"),
  };
}
