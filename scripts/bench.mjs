// `npm run bench`: what the gateway costs, beside Workers in JavaScript that do less or the same.
//
// Everything runs on this machine: workerd, one process a Worker, and a compiled program as callers
// and upstream. The Workers are measured in turns, so that a machine that slows down slows all.

import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { buildEnds, bodyFiles, callFor, startUpstream } from "../tests/bench/ends.mjs";
import { chatRequest } from "../tests/bench/conversation.mjs";
import { measureFit, measureSize, measureStart } from "../tests/bench/once.mjs";
import { measureRequests } from "../tests/bench/requests.mjs";
import { measureStreams } from "../tests/bench/streams.mjs";
import { gateway, script, workerdVersion } from "../tests/bench/workerd.mjs";
import { command } from "./command.mjs";
import { endAll } from "./run.mjs";
import { headline, note } from "./say.mjs";
import { BUILD } from "./tree.mjs";
import { buildWorker } from "./worker.mjs";

const { values: told } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "1.5" },
    markdown: { type: "string" },
  },
});
/** Callers' keys; the callers in tests/bench/call.rs send the second. */
const KEYS = "ann=pl-2b70c5d1e8f94a6db3c2,bob=pl-9c41e07b52d64f3f8a6e";

const effort = { rounds: Number(told.rounds), seconds: Number(told.seconds) };

await command(async () => {
  await buildWorker();
  await buildEnds();
  const busy = loadavg()[0];
  const upstream = await startUpstream();
  const files = bodyFiles();
  const text = [await conditions(upstream, files, busy)];
  const section = async (title, body) => {
    headline(title);
    text.push(`### ${title}\n\n${await body}`);
  };

  const plain = `${upstream}/plain`;
  await section(
    "Chat requests, not streamed",
    measureRequests(
      {
        forward: forward(plain),
        peer: peer(plain),
        pilotlight: pilotlight({ cloud: target(plain) }),
      },
      files,
      effort,
    ),
  );
  const paces = [
    ["back to back", 0],
    ["one every 3 ms", 3_000],
  ].map(([label, pause]) => ({ label, workers: streamers(`${upstream}/every/${pause}`) }));
  await section("Streams", measureStreams(paces, files, effort));
  await section("Size", measureSize(BUILD));
  const starters = { forward: forward(plain), pilotlight: pilotlight({ cloud: target(plain) }) };
  await section("Start", measureStart(BUILD, starters, files));
  const fitting = {
    wide: target(plain, {}),
    narrow: target(plain, { context: 8_192 }),
    middling: target(plain, { context: 131_072 }),
  };
  await section(
    "Fitting 200 kB of conversation",
    measureFit(
      pilotlight(fitting),
      { narrow: "8,192 tokens: cut", middling: "131,072 tokens: counted, and whole" },
      files,
    ),
  );

  files.remove();
  await endAll();
  const whole = text.join("\n\n");
  console.log(`\n${whole}\n`);
  if (told.markdown) writeFileSync(told.markdown, `${whole}\n`);
});

async function conditions(upstream, files, busy) {
  const body = files.put(chatRequest(512, "auto"));
  const alone = await callFor(1, 8, `${upstream}/plain`, body);
  const rate = (alone.calls / alone.seconds).toFixed(0);
  note(`upstream and callers alone: ${rate} requests/s`);
  return [
    `${workerdVersion()}, each Worker in its own process, on ${cpus().length} cores (${cpus()[0].model})`,
    `that the callers and the upstream share; loopback; ${effort.rounds} rounds in turns; medians, and`,
    `in brackets ranges, of ratios within a round. 8 connections, ${effort.seconds} s a turn; 10 streams`,
    `at once, of 1,000 chunks of 190 bytes. The upstream and the callers alone: ${rate} requests/s of`,
    `0.5 kB. Load average when it began: ${busy.toFixed(1)}.`,
  ].join("\n");
}

function forward(upstream) {
  return script("forward", { UPSTREAM: `http://${upstream}/v1/chat/completions` });
}

function peer(upstream) {
  return script("peer", {
    UPSTREAM: `http://${upstream}/v1/chat/completions`,
    UPSTREAM_KEY: "sk-1d2c3b4a59687766554433221100",
    KEYS: KEYS,
    TARGET: "cloud",
    MODEL: "small-2026-06-01",
    MAX_BODY: 8_388_608,
    TIMEOUT_MS: 60_000,
  });
}

function streamers(upstream) {
  return {
    forward: forward(upstream),
    loop: script("loop", { UPSTREAM: `http://${upstream}/v1/chat/completions` }),
    pilotlight: pilotlight({ cloud: target(upstream) }),
  };
}

/** The gateway with these targets, a home box behind them, and two callers' keys. */
function pilotlight(targets) {
  const home = { provider: "ollama", base_url: "http://127.0.0.1:9", model: "small", home: true };
  const [first] = Object.keys(targets);
  return gateway(BUILD, {
    PILOTLIGHT: {
      default_route: "auto",
      targets: { ...targets, home: { ...home, context: 8_192 } },
      routes: { auto: [first, "home"] },
    },
    PILOTLIGHT_KEYS: KEYS,
    UPSTREAM_KEY: "sk-1d2c3b4a59687766554433221100",
  });
}

/** A target of OpenAI's kind, with the window of the first target in wrangler.toml. */
function target(upstream, window = { context: 272_000 }) {
  return {
    provider: "openai",
    company: "openai",
    base_url: `http://${upstream}/v1`,
    model: "small-2026-06-01",
    key: "UPSTREAM_KEY",
    ...window,
  };
}
