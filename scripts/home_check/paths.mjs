// Are the calls shut that could do harm: those that delete, fill the disk, or hide how they do it?
//
// Each is asked with its own method, because a proxy may sort by methods, and with an empty body,
// because Ollama refuses that before it does anything ("missing request body", `server/routes.go`).
// `/api/signout` reads no body, and is left alone. They are asked only where an Ollama has answered,
// so that nothing else gets a DELETE from here.
//
// An answer of Ollama's means that the request came through; even its own `404 page not found`, for
// the next version may have a call there, and the 307 with which it tidies a path up. The ingress's
// 404 is empty.

import { PATH_RULE } from "../home_setup/tunnel.mjs";
import { ask, isLogin, object } from "./ask.mjs";
import { bad, good, open } from "./say.mjs";

const NAME = "paths";

const HARMFUL = [
  ["POST", "/api/pull"],
  ["DELETE", "/api/delete"],
  ["POST", "/api/create"],
  ["POST", "/api/copy"],
  ["POST", "/api/push"],
  ["POST", "/api/generate"],
  ["POST", "/v1/chat/completions"],
  // Not what they seem: each has an open path in it, for a rule that looks at a part, or decodes.
  ["DELETE", "/api/chat/../delete"],
  ["DELETE", "/api/chat%2f..%2fdelete"],
  ["POST", "//api/chat"],
];

/** What is found. */
export async function checkPaths(box) {
  const seen = [];
  for (const [method, path] of HARMFUL) {
    const answer = await ask(box.url, { method, path, headers: box.headers });
    seen.push({ what: `${method} ${path}`, state: stateOf(answer) });
  }
  const through = seen.filter(({ state }) => state === "through").map(({ what }) => what);
  const unclear = seen.filter(({ state }) => state !== "through" && state !== "shut");
  if (!box.isPublic && through.length > 0) {
    return [
      open(
        NAME,
        `${through.length} of ${seen.length} that could do harm come through, as to any Ollama; ` +
          "the network has to keep others out",
      ),
    ];
  }
  if (through.length > 0) {
    const todo = `config.yml's path has to be '${PATH_RULE}', with ^ and $, and its last rule http_status:404`;
    return [bad(NAME, `Ollama can be reached by ${through.join(", ")}`, todo)];
  }
  if (unclear.length > 0) {
    const told = unclear.map(({ what, state }) => `${what} (${state})`).join(", ");
    return [
      bad(
        NAME,
        `neither answered nor shut: ${told}`,
        "they ought to be a 404 of the ingress; look at cloudflared's log",
      ),
    ];
  }
  return [good(NAME, `${seen.length} that could do harm are shut`)];
}

/** Whether an answer is Ollama's own, whatever it says. */
export function isOllamas({ status, headers, body }) {
  if (status === undefined) return false;
  const kind = headers["content-type"] ?? "";
  if (status < 300) return !kind.startsWith("text/html");
  if (status < 400) return (headers.location ?? "").startsWith("/");
  if (status === 401 || status === 403) return false;
  if (kind.startsWith("text/plain") && /^40[45] (page|method) not (found|allowed)/.test(body)) {
    return true;
  }
  return kind.startsWith("application/json") && object({ body })?.error !== undefined;
}

function stateOf(answer) {
  if (isOllamas(answer)) return "through";
  if (answer.fault) return answer.fault;
  const isShut = isLogin(answer) || (answer.status >= 400 && answer.status < 500);
  return isShut ? "shut" : String(answer.status);
}
