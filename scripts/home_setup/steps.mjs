// What is left to do by hand, in the order in which it is safe: the lock before the door.
//
// The name is led to the box only when Access already guards it: in between, anybody who knew the
// name could use the box. The same steps are printed and kept in a file.

import { DEFAULTS } from "./options.mjs";
import { SYSTEMS } from "./systems.mjs";
import { UNKNOWN_TUNNEL } from "./tunnel.mjs";

const TUNNEL_NAME = "pilotlight-home";
const SERVICE_CREDENTIALS = "https://dash.cloudflare.com > Zero Trust > Access controls";

/** The steps: `[{title, text: [paragraph], commands: [line], shell}]`. */
export function steps(told) {
  const at = SYSTEMS[told.os];
  const both = [ollama(told, at), tunnel(told, at)];
  const rest = told.vpc
    ? [place(told, at), service(at), vpcService(told), deploy(told), checkPrivately(told, at)]
    : [
        access(told, at),
        place(told, at),
        route(told),
        service(at),
        deploy(told),
        checkPublicly(told, at),
      ];
  return [...both, ...rest].map((step) => ({ shell: at.shell, ...step }));
}

/** As a page of Markdown. */
export function asMarkdown(list) {
  const parts = list.map(({ title, text, commands, shell }, at) => {
    const code = commands.length > 0 ? [`\`\`\`${shell}\n${commands.join("\n")}\n\`\`\``] : [];
    return [`## ${at + 1}. ${title}`, ...text, ...code].join("\n\n");
  });
  const head = "# The box at home: what is left to do\n\nMade by `npm run home`. In this order.";
  return `${[head, ...parts].join("\n\n")}\n`;
}

/** As lines for a terminal. */
export function asText(list) {
  const parts = list.map(({ title, text, commands }, at) => {
    const indented = [...text, ...commands.map((line) => `  ${line}`)].map((line) => `   ${line}`);
    return [`${at + 1}. ${title}`, ...indented].join("\n").replaceAll("**", "");
  });
  return parts.join("\n\n");
}

function ollama(told, at) {
  const { text, commands } = at.ollama(told);
  return {
    title: "Ollama: its window and its model",
    text: ["Needs Ollama: https://ollama.com/download", ...text],
    commands: [...commands, ...pull(told, at)],
  };
}

/** `ollama` asks at the usual port unless it is told of another. */
function pull({ model, port }, { shell }) {
  const command = `ollama pull ${quoted(model)}`;
  if (port === DEFAULTS.port) return [command];
  const variable = `OLLAMA_HOST=127.0.0.1:${port}`;
  if (shell === "sh") return [`${variable} ${command}`];
  return [`$env:${variable.replace("=", ' = "')}"`, command];
}

function tunnel(told, at) {
  const install = "Needs cloudflared: https://developers.cloudflare.com/tunnel/downloads/";
  const commands = at.cloudflared.commands;
  if (told.tunnel) {
    return {
      title: "cloudflared",
      text: [`${install} The tunnel is ${told.tunnel}.`],
      commands: [...commands, `cloudflared tunnel info ${told.tunnel}`],
    };
  }
  return {
    title: "The tunnel",
    text: [
      install,
      "The third line prints the tunnel's UUID; the last one writes these files anew, " +
        `with it in the place of ${UNKNOWN_TUNNEL}.`,
    ],
    commands: [
      ...commands,
      "cloudflared tunnel login",
      `cloudflared tunnel create ${TUNNEL_NAME}`,
      again(told, at, []),
    ],
  };
}

function access(told, at) {
  const done = told.team
    ? "config.yml has the team and the AUD tag: cloudflared checks Access's word itself."
    : "Then cloudflared can check Access's word itself, which holds even where Access is by-passed: " +
      "write these files anew with the team (the part before .cloudflareaccess.com) and the " +
      "application's AUD tag (its tab Additional settings).";
  return {
    title: `Access: a lock on ${told.hostname}, before it leads anywhere`,
    text: [
      `${SERVICE_CREDENTIALS} > Service credentials > Service Tokens: create a token, ` +
        "and keep its Client ID and its Client Secret, which is shown once.",
      `${SERVICE_CREDENTIALS} > Applications: add a self-hosted application for the ` +
        `public hostname ${told.hostname}, without a path. Give it one policy: action ` +
        "**Service Auth** (not Allow, which asks even a valid token to log in), include: " +
        "Service Token, the one just made.",
      done,
    ],
    commands: told.team ? [] : [again(told, at, ["--team", "<team>", "--aud", "<tag>"])],
  };
}

function place(told, at) {
  const uuid = told.tunnel ?? UNKNOWN_TUNNEL;
  const look = `cloudflared tunnel --config ${at.configPath} ingress`;
  const tried = told.vpc ? [] : ["chat", "delete"];
  return {
    title: "The tunnel's files, where the service looks for them",
    text: told.vpc
      ? ["The last line has to say OK."]
      : ["The last three lines have to say: OK, rule #0 (to Ollama), rule #1 (http_status:404)."],
    commands: [
      ...at.placing(told, uuid),
      `${look} validate`,
      ...tried.map((call) => `${look} rule https://${told.hostname}/api/${call}`),
    ],
  };
}

function route({ tunnel: uuid = UNKNOWN_TUNNEL, hostname }) {
  return {
    title: "The name leads to the tunnel",
    text: [],
    commands: [`cloudflared tunnel route dns ${uuid} ${hostname}`],
  };
}

function service(at) {
  return { title: "The tunnel runs from now on", ...at.service };
}

function vpcService({ tunnel: uuid = UNKNOWN_TUNNEL, port }) {
  return {
    title: "The VPC service",
    text: [
      "On the machine that deploys. It prints the service's id, which goes into wrangler.snippet.toml. " +
        "Needs the role Connectivity Directory Admin, and cloudflared 2025.7.0 or later on QUIC.",
    ],
    commands: [
      `npx wrangler vpc service create ${TUNNEL_NAME} --type http --tunnel-id ${uuid} ` +
        `--ipv4 127.0.0.1 --http-port ${port}`,
    ],
  };
}

function deploy({ vpc }) {
  const secrets = ["CF_ACCESS_CLIENT_ID", "CF_ACCESS_CLIENT_SECRET"];
  const put = vpc ? [] : secrets.map((name) => `npx wrangler secret put ${name}`);
  return {
    title: "The gateway learns of the box",
    text: [
      "On the machine that deploys: put the lines of wrangler.snippet.toml into wrangler.toml, " +
        "in the place of the target `home` there.",
      ...(vpc
        ? []
        : ["The two secrets are the token's Client ID and Client Secret; each line asks for one."]),
    ],
    commands: ["npx wrangler deploy", ...put],
  };
}

function checkPublicly(told, at) {
  const settings = `--model ${quoted(told.model)} --context ${told.context}`;
  return {
    title: "Is all well?",
    text: [
      "With CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET in the environment or in .dev.vars. " +
        "Any machine will do: the name leads through Cloudflare, as it does for the gateway.",
    ],
    commands: [`${at.node} --check https://${told.hostname} ${settings}`],
  };
}

function checkPrivately(told, at) {
  const settings = `--model ${quoted(told.model)} --context ${told.context}`;
  return {
    title: "Is all well?",
    text: ["On the box: from elsewhere only the Worker reaches it."],
    commands: [`${at.node} --check http://127.0.0.1:${told.port} ${settings}`],
  };
}

/** The command that makes these files, with more known. */
function again(told, at, more) {
  const said = ["hostname", "tunnel", "team", "aud", "port", "out", "os", "model", "context"]
    .filter((name) => told[name] !== undefined && told[name] !== DEFAULTS[name])
    .flatMap((name) => [`--${name}`, quoted(told[name])]);
  const unknown = told.tunnel ? [] : ["--tunnel", UNKNOWN_TUNNEL];
  return [at.node, ...said, ...(told.vpc ? ["--vpc"] : []), ...unknown, ...more, "--force"].join(
    " ",
  );
}

function quoted(value) {
  return /^[\w./:@-]+$/.test(value) ? value : `'${value}'`;
}
