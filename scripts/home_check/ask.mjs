// One request to a box, sent exactly as written, and all that can be seen of its answer.
//
// Not `fetch`: it tidies a path up (`/api/chat/../delete` becomes `/api/delete`), follows
// redirects, and tells of an answer's pieces only what its own buffers leave. Here the path goes out
// letter for letter, and every read is noted with its time.

import http from "node:http";
import https from "node:https";

/** The longest answer that is looked at, in characters. */
const LONGEST = 1 << 20;

/** How long a question may take that has nothing to do but be answered, in milliseconds. */
const SOON_MS = 15_000;

/**
 * Asks, and answers `{status, headers, body, reads, ms}`, or `{fault: code}` where nothing came or
 * the answer broke off. `reads` are `{at, text}` in milliseconds from the sending; `ms` is the whole.
 *
 * `base` is the address, `headers` what goes along, `json` what is sent (nothing: an empty body).
 */
export function ask(base, { method = "GET", path, headers = {}, json, limit = SOON_MS }) {
  const url = new URL(base);
  const prefix = url.pathname.replace(/\/+$/, "");
  const body = json === undefined ? "" : JSON.stringify(json);
  const options = {
    method,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port || undefined,
    path: prefix + path,
    // A connection of its own: one that an answer left open would keep this command from ending.
    agent: false,
    headers: {
      host: url.host,
      accept: "application/json",
      // Rules against bots refuse a call without a name, and some that name a tool.
      "user-agent": "pilotlight/check",
      ...(body && { "content-type": "application/json" }),
      ...(method !== "GET" && { "content-length": Buffer.byteLength(body) }),
      ...headers,
    },
  };
  const began = performance.now();
  const since = () => performance.now() - began;
  return new Promise((resolve) => {
    const sent = (url.protocol === "https:" ? https : http).request(options);
    const end = (answer) => {
      clearTimeout(timer);
      resolve(answer);
      sent.destroy();
    };
    const timer = setTimeout(() => end({ fault: "ETIMEDOUT", ms: since() }), limit);
    sent.on("error", (error) => end({ fault: error.code ?? error.message, ms: since() }));
    sent.on("response", (response) => {
      const { statusCode: status, headers: got } = response;
      const reads = [];
      const text = () => reads.map((read) => read.text).join("");
      response.setEncoding("utf8");
      response.on("data", (piece) => {
        reads.push({ at: since(), text: piece });
        if (text().length > LONGEST)
          end({ status, headers: got, body: text(), reads, ms: since() });
      });
      response.on("end", () => end({ status, headers: got, body: text(), reads, ms: since() }));
      response.on("error", () => {
        end({ fault: "broken off", status, headers: got, body: text(), reads, ms: since() });
      });
    });
    sent.end(body);
  });
}

/** The body as an object, or undefined. */
export function object(answer) {
  try {
    const value = JSON.parse(answer.body);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether Cloudflare Access wants somebody to log in. */
export function isLogin({ status, headers }) {
  const to = headers?.location ?? "";
  const host = URL.canParse(to) ? new URL(to).hostname : "";
  return status >= 300 && status < 400 && host.endsWith(".cloudflareaccess.com");
}
