// The values of the options: each is read into what it means, or refused with what would be right.
//
// They end up in files of other programs (YAML, TOML, XML, PowerShell), so what is let through is
// no more than what such a value can be.

import { Failed } from "../run.mjs";
import { SYSTEMS } from "./systems.mjs";

const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

/** A public name. cloudflared compares it letter by letter, so it is in small letters. */
export function hostname(given) {
  const name = given.toLowerCase();
  if (name.includes("://") || name.includes("/")) {
    refuse(given, "a name alone, without https:// and without a path, such as ollama.example.com");
  }
  if (name.includes(":")) refuse(given, "a name without a port; the port on the box is --port");
  if (name.includes("*")) refuse(given, "one name; a wildcard would lead all others here too");
  const isName = new RegExp(`^(${LABEL}\\.)+${LABEL}$`).test(name) && !/\.\d+$/.test(name);
  if (!isName || name.length > 253) refuse(given, "a public name, such as ollama.example.com");
  return name;
}

/** A tunnel's UUID. */
export function uuid(given) {
  const id = given.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id;
  return refuse(given, "the tunnel's UUID, not its name; `cloudflared tunnel list` shows it");
}

/** An Access team. */
export function team(given) {
  const name = given.toLowerCase();
  if (name.endsWith(".cloudflareaccess.com")) {
    refuse(given, `the first part alone: ${name.split(".")[0]}`);
  }
  if (new RegExp(`^${LABEL}$`).test(name)) return name;
  return refuse(given, "the part before .cloudflareaccess.com in the team's domain");
}

/** The AUD tag of an Access application. */
export function aud(given) {
  const tag = given.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(tag)) return tag;
  return refuse(given, "the 64 characters 0-9 and a-f of the application's AUD tag");
}

/** A TCP port. */
export function port(given) {
  const number = Number(given);
  if (/^\d+$/.test(given) && number > 0 && number < 65_536) return number;
  return refuse(given, "a number from 1 to 65535");
}

/** A window in tokens, in the range that the gateway's `context` has. */
export function context(given) {
  const number = Number(given);
  if (/^\d+$/.test(given) && number >= 256 && number <= 10_000_000) return number;
  return refuse(given, "a whole number of tokens from 256 to 10000000");
}

/** The system of the box. */
export function system(given) {
  if (given in SYSTEMS) return given;
  return refuse(given, `one of ${Object.keys(SYSTEMS).join(", ")}`);
}

/** A text that is not empty and has nothing in it that would end a line. */
export function text(given) {
  if (given.trim() && !/[\u0000-\u001f\u007f]/.test(given)) return given;
  return refuse(given, "a text that is not empty");
}

/** An address, without what the gateway adds to it; answers it without a slash at its end. */
export function baseUrl(given) {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    refuse(given, "an address with http:// or https://, such as https://ollama.example.com");
  }
  if (url.search || url.hash || url.username) {
    refuse(given, "an address without a user, a query or a fragment");
  }
  if (/\/(api|v1)\b/.test(url.pathname)) refuse(given, `the address alone: ${url.origin}`);
  return given.replace(/\/+$/, "");
}

function refuse(given, right) {
  throw new Failed(`"${given}" will not do; it has to be ${right}.`);
}
