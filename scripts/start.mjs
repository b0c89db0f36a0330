// `npm start`: a gateway that answers, on this machine, from a fresh clone.
//
// It installs what is missing, builds, finds out what is home and runs `wrangler dev`. It ends with
// a `curl` line that works, because the first thing a newcomer wants is an answer. When any part of
// it ends, all of it does: half a gateway would only confuse.

import { parseArgs } from "node:util";
import { command } from "./command.mjs";
import { readConfig, secretNames, secretsFor, writeEnvFile } from "./config.mjs";
import { requireFreePort, startWrangler } from "./dev_server.mjs";
import { chooseHome } from "./home/choose.mjs";
import { Failed } from "./run.mjs";
import { headline } from "./say.mjs";
import { buildWorker } from "./worker.mjs";

const DEFAULT_PORT = 8787;

await command(async () => {
  const port = chosenPort();
  await requireFreePort(port);
  await buildWorker();
  const { config, home, engine } = await chooseHome(await readConfig());
  const secrets = secretsFor(config);
  headline("Gateway: starting wrangler dev");
  const wrangler = await startWrangler(port, writeEnvFile(config, secrets));
  welcome(`http://localhost:${port}`, config, home, secrets);
  throw await firstToEnd({ "wrangler dev": wrangler, "the embedded home box": engine });
});

function chosenPort() {
  const { values } = parseArgs({ options: { port: { type: "string" } } });
  const given = values.port ?? process.env.PORT ?? DEFAULT_PORT;
  const port = Number(given);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Failed(`"${given}" is not a port.`);
}

function welcome(url, config, home, secrets) {
  headline(`Pilotlight is up: ${url}\n`);
  console.log(`  home is ${home}`);
  for (const [name, target] of Object.entries(config.targets)) {
    console.log(`  target ${name}: ${keyState(target, secrets)}`);
  }
  const route = config.routes?.auto ? "auto" : config.default_route;
  console.log(`\nAsk it something (Ctrl-C here ends it):\n\n${curl(url, route, secrets)}\n`);
}

function keyState(target, secrets) {
  if (target.binding) return `not to be reached from here, but by Workers VPC (${target.binding})`;
  const names = secretNames(target);
  const missing = names.filter((name) => !secrets[name]);
  if (names.length === 0) return "needs no key";
  if (missing.length === 0) return "has its key";
  return `skipped, ${missing.join(" and ")} not set (export it, or write it in .dev.vars)`;
}

function curl(url, route, secrets) {
  const body = { model: route, stream: true, messages: [{ role: "user", content: "Say hello." }] };
  const key = secrets.PILOTLIGHT_KEYS ? ` -H 'authorization: Bearer YOUR-KEY'` : "";
  return (
    `curl -N ${url}/v1/chat/completions${key} -H 'content-type: application/json' \\\n` +
    `  -d '${JSON.stringify(body)}'`
  );
}

function firstToEnd(children) {
  const ends = Object.entries(children)
    .filter(([, child]) => child)
    .map(async ([name, child]) => {
      const { code, signal, error } = await child.ended;
      return new Failed(`${name} ended (${error?.message ?? signal ?? `exit code ${code}`}).`);
    });
  return Promise.race(ends);
}
