// Is the box shut to whoever has no token?
//
// Ollama asks nobody for a password, so a public name without Access gives the box away. A request
// without the token has to be refused, at the chat too: an Access application can be for one path
// and leave another open.

import { ask, isLogin } from "./ask.mjs";
import { isOllamas } from "./paths.mjs";
import { bad, good, open } from "./say.mjs";

const NAME = "access";
const ALARM =
  "stop cloudflared until the whole hostname has an Access application, " +
  "with one policy of the action Service Auth";

/** What is found. */
export async function checkAccess(box) {
  const tries = [
    { method: "GET", path: "/api/version" },
    { method: "POST", path: "/api/chat" },
  ];
  const shut = [];
  for (const asked of tries) {
    const answer = await ask(box.url, asked);
    const what = `${asked.method} ${asked.path}`;
    if (isOllamas(answer)) {
      if (!box.isPublic) return [open(NAME, "needs no token, on an address of your own network")];
      return [
        bad(NAME, `OPEN TO ALL: ${what} without a token is answered ${answer.status}`, ALARM),
      ];
    }
    const isRefused = isLogin(answer) || answer.status === 401 || answer.status === 403;
    if (!isRefused) {
      const seen = answer.fault ?? answer.status;
      return [bad(NAME, `${what} without a token: ${seen}, which is no refusal of Access`, ALARM)];
    }
    shut.push(answer.status);
  }
  return [good(NAME, `without a token it is refused (${[...new Set(shut)].join(", ")})`)];
}

/** Whether the token and the prompts travel in the clear. */
export function checkEncryption({ url, isPublic, headers }) {
  const isClear = new URL(url).protocol === "http:";
  const isFar = isPublic && !/^(localhost|127\.|\[::1\])/.test(new URL(url).hostname);
  if (!isClear || !isFar) return [];
  const what = Object.keys(headers).length > 0 ? "the token and all prompts" : "all prompts";
  return [bad("https", `${what} travel in the clear`, "write the address with https://")];
}
