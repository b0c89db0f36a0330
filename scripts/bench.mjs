// `npm run bench`: what the gateway costs, beside Workers in JavaScript that do less or the same.
//
// Everything runs on this machine: workerd, one process a Worker, and a compiled program as callers
// and upstream. The Workers are measured in turns, so that a machine that slows down slows all.
//
// `npm run bench -- --only streams` measures what has that in its title; `--markdown FILE` keeps the
// tables.

import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { forward, loop, peer, pilotlight, streamers, target } from "../tests/bench/contestants.mjs";
import { chatRequest } from "../tests/bench/conversation.mjs";
import { buildEnds, bodyFiles, callFor, startUpstream } from "../tests/bench/ends.mjs";
import { measureInside } from "../tests/bench/inside.mjs";
import { measureMemory } from "../tests/bench/memory.mjs";
import { measureFit, measureSize, measureStart } from "../tests/bench/once.mjs";
import { measureRequests } from "../tests/bench/requests.mjs";
import { measureStreams } from "../tests/bench/streams.mjs";
import { workerdVersion } from "../tests/bench/workerd.mjs";
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
    only: { type: "string" },
  },
});
const effort = { rounds: Number(told.rounds), seconds: Number(told.seconds) };

await command(async () => {
  await buildWorker();
  await buildEnds();
  const busy = loadavg()[0];
  const upstream = await startUpstream();
  const files = bodyFiles();
  const text = [await conditions(upstream, files, busy)];
  for (const [title, measure] of Object.entries(sections(upstream, files))) {
    if (told.only && !title.toLowerCase().includes(told.only.toLowerCase())) continue;
    headline(title);
    text.push(`### ${title}\n\n${await measure()}`);
  }
  files.remove();
  await endAll();
  const whole = text.join("\n\n");
  console.log(`\n${whole}\n`);
  if (told.markdown) writeFileSync(told.markdown, `${whole}\n`);
});

/** What is measured: `{title: measure}`, where `measure` answers text. */
function sections(upstream, files) {
  const [plain, paused] = ["plain", "pause"].map((path) => `${upstream}/${path}`);
  const usual = pilotlight({ cloud: target(plain) });
  const paces = { "back to back": 0, "one every 3 ms": 3_000 };
  const streams = Object.entries(paces).map(([label, pause]) => {
    return { label, workers: streamers(`${upstream}/every/${pause}`) };
  });
  const open = { loop: loop(paused), pilotlight: pilotlight({ cloud: target(paused) }) };
  const requests = { forward: forward(plain), peer: peer(plain), pilotlight: usual };
  const fitting = pilotlight({
    wide: target(plain, {}),
    narrow: target(plain, { context: 8_192 }),
    middling: target(plain, { context: 131_072 }),
  });
  const windows = {
    narrow: "8,192 tokens: cut",
    middling: "131,072 tokens: whole, and not counted",
  };
  return {
    "Chat requests, not streamed": () => measureRequests(requests, files, effort),
    Streams: () => measureStreams(streams, files, effort),
    "Long answers in one body": () => measureInside(upstream, paces, files, effort),
    Memory: () => measureMemory(open, files),
    Size: () => measureSize(BUILD),
    Start: () => measureStart(BUILD, { forward: forward(plain), pilotlight: usual }, files),
    "Fitting 200 kB of conversation": () => measureFit(fitting, windows, files),
  };
}

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
