// Which boxes are looked at: the one at an address, or those that the config says are home.

import { isIP, BlockList } from "node:net";
import { secretNames } from "../config.mjs";

const TOKEN = { access_id: "CF_ACCESS_CLIENT_ID", access_secret: "CF_ACCESS_CLIENT_SECRET" };

/** The target that stands for an address. */
export function targetAt({ url, model, context }) {
  return { provider: "ollama", base_url: url, home: true, model, context, ...TOKEN };
}

/**
 * The boxes of a config: `[{name, url, model, context, headers, missing, isPublic, why}]`. `missing`
 * are the secrets that are not set; `why` says why a box cannot be looked at from here.
 */
export function subjects(config, secrets) {
  return Object.entries(config.targets ?? {})
    .filter(([, target]) => target?.home === true)
    .map(([name, target]) => subject(name, target, secrets));
}

/** One box; `secrets` are those that are set, by name. */
export function subject(name, target, secrets) {
  const { base_url: url, model, context, binding, provider } = target;
  const needed = secretNames(target);
  const [id, secret] = [target.access_id, target.access_secret].map((field) => secrets[field]);
  const headers =
    id && secret ? { "cf-access-client-id": id, "cf-access-client-secret": secret } : {};
  const missing = needed.filter((field) => !secrets[field]);
  const common = { name, url, model, context, headers, missing };
  if (binding) {
    return {
      ...common,
      why:
        "only the Worker reaches it, by its binding; " +
        "on the box itself: --check http://127.0.0.1:11434",
    };
  }
  if (!URL.canParse(url ?? "")) return { ...common, why: "its base_url is no address" };
  if (provider !== "ollama") return { ...common, why: `provider "${provider}" is no Ollama` };
  return { ...common, isPublic: !isPrivate(new URL(url).hostname) };
}

/** Whether only this machine or its own network can mean this host. */
export function isPrivate(hostname) {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const family = isIP(host);
  if (family) return OWN.check(host, family === 6 ? "ipv6" : "ipv4");
  return !host.includes(".") || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
}

const OWN = new BlockList();
OWN.addSubnet("10.0.0.0", 8);
OWN.addSubnet("100.64.0.0", 10);
OWN.addSubnet("127.0.0.0", 8);
OWN.addSubnet("169.254.0.0", 16);
OWN.addSubnet("172.16.0.0", 12);
OWN.addSubnet("192.168.0.0", 16);
OWN.addAddress("::1", "ipv6");
OWN.addSubnet("fc00::", 7, "ipv6");
OWN.addSubnet("fe80::", 10, "ipv6");
