// Long answers to callers who want one body: asked for in one body, and asked for as a stream that is
// put together inside.

import { allowanceLine, chunksAllowed } from "./allowance.mjs";
import { peer, pilotlight, target, WINDOW } from "./contestants.mjs";
import { chatRequest } from "./conversation.mjs";
import { callFor } from "./ends.mjs";
import { median, ratio, table } from "./figures.mjs";
import { cpuOfOne, serve } from "./workerd.mjs";
import { note } from "../../scripts/say.mjs";

const CONNECTIONS = 8;
const WARM_SECONDS = 2;
const PIECES = 500;
/** Rows of the table. */
const PEER = "peer, one body";
const BODY = "pilotlight, one body";
const inside = (pace) => `pilotlight, streamed inside, ${pace}`;

/**
 * Measures the peer and the gateway at `upstream` in turns; `paces` are the times between two chunks,
 * `{label: microseconds}`. Answers text with a table.
 */
export async function measureInside(upstream, paces, files, { rounds, seconds }) {
  const workers = contestants(upstream, paces);
  const names = Object.keys(workers);
  const [long, short] = [PIECES, 1].map((pieces) =>
    files.put(chatRequest(512, "auto", { max_completion_tokens: pieces })),
  );
  const running = await Promise.all(names.map((name) => serve(workers[name])));
  const call = (worker, body, time) => callFor(time, CONNECTIONS, worker.address, body);
  for (const worker of running) await call(worker, long, WARM_SECONDS);
  const measured = Object.fromEntries(names.map((name) => [name, { long: [], short: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const [at, worker] of running.entries()) {
      const told = measured[names[at]];
      told.long.push(await cpuOfOne(worker, () => call(worker, long, seconds)));
      told.short.push(await cpuOfOne(worker, () => call(worker, short, seconds)));
    }
  }
  for (const worker of running) await worker.end();
  note(`${rounds} rounds`);

  const rows = names.map((name) => [
    name,
    median(measured[name].long).toFixed(0),
    ratio(measured[name].long, measured[PEER].long),
    ratio(measured[name].long, measured[BODY].long),
    median(measured[name].short).toFixed(0),
  ]);
  const rooms = Object.keys(paces).map((pace) => {
    const told = measured[inside(pace)];
    const room = chunksAllowed({ chunks: 1, cpu: told.short }, { chunks: PIECES, cpu: told.long });
    return [pace, room];
  });
  const heads = [`${PIECES} pieces of text`, "CPU µs", "CPU, of the peer's", "CPU, of one body's"];
  return [
    table([...heads, "CPU µs, one piece"], rows),
    allowanceLine("streamed inside", Object.fromEntries(rooms)),
  ].join("\n\n");
}

function contestants(upstream, paces) {
  const asking = (path, stream_inside) =>
    pilotlight({ cloud: target(`${upstream}/${path}`, { ...WINDOW, stream_inside }) });
  const streamed = Object.entries(paces).map(([pace, pause]) => [
    inside(pace),
    asking(`every/${pause}`, true),
  ]);
  return {
    [PEER]: peer(`${upstream}/text`),
    [BODY]: asking("text", false),
    ...Object.fromEntries(streamed),
  };
}
