// Is an Ollama there, and does it take the host that it is given?
//
// `/api/version` touches no model and is answered at once. What comes in its place tells how far the
// request got: the statuses are those of Cloudflare's edge, of Access, of cloudflared and of Ollama
// (<https://developers.cloudflare.com/support/troubleshooting/http-status-codes/>).

import { ask, isLogin, object } from "./ask.mjs";
import { bad, good, time } from "./say.mjs";

const REACHABLE = "reachable";
const HOST = "host";

/** What is found, and whether it is an Ollama that answers. */
export async function checkReach(box) {
  const answer = await ask(box.url, { path: "/api/version", headers: box.headers });
  const version = answer.status === 200 ? object(answer)?.version : undefined;
  if (typeof version === "string") {
    const found = [
      good(REACHABLE, `Ollama ${version} answers, after ${time(answer.ms)}`),
      good(HOST, "Ollama takes the host that it is given"),
    ];
    return { isOllama: true, found };
  }
  return { isOllama: false, found: [why(answer, box)] };
}

function why(answer, box) {
  const { status, fault, headers = {}, body } = answer;
  if (fault) return bad(REACHABLE, ...connection(fault, box));
  if (isLogin(answer)) {
    return bad(REACHABLE, `${status} to Access's login`, accessTodo(box));
  }
  if (status === 403 && !body) {
    return bad(
      HOST,
      "403 with an empty body: Ollama does not know the host, or cloudflared misses Access's word",
      `the rule needs originRequest.httpHostHeader: "localhost:11434"; if it is there, ` +
        "compare its access.teamName and audTag",
    );
  }
  if (status === 401 || status === 403) {
    return bad(REACHABLE, `${status}, a refusal of Access`, accessTodo(box));
  }
  if (status >= 300 && status < 400) {
    const to = headers.location ?? "nowhere";
    return bad(REACHABLE, `${status} to ${to}`, "use the address that it leads to, with https://");
  }
  return bad(REACHABLE, ...statusWords(status, body));
}

function statusWords(status, body) {
  switch (status) {
    case 530:
      return [
        "530: cloudflared is not connected, or the name leads to no tunnel",
        "start it: `cloudflared tunnel run`; and `cloudflared tunnel route dns`",
      ];
    case 502:
      return [
        "502: the tunnel is up, but nothing listens at the port",
        "start Ollama; is the port of config.yml's `service` its own?",
      ];
    case 504:
    case 524:
      return [`${status}: no answer in time`, "is Ollama just starting, or the box asleep?"];
    case 404:
      return body
        ? ["404: something answers that has no /api/version", "is this Ollama's own address?"]
        : [
            "404 with an empty body: no rule of config.yml leads here",
            "its `hostname` has to be this one, and its `path` has to let /api/version through",
          ];
    default:
      return [`${status}, and no Ollama's answer`, "is this Ollama's address?"];
  }
}

function connection(fault, { isPublic }) {
  switch (fault) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return [
        "the name is not known",
        "`cloudflared tunnel route dns <UUID> <name>`; a new name takes a minute",
      ];
    case "ECONNREFUSED":
      return [
        "nothing listens there",
        isPublic ? "is this the tunnel's address?" : "start Ollama: `ollama serve`",
      ];
    case "ETIMEDOUT":
      return ["no answer in time", "is the box awake, and does a firewall stand between?"];
    case "ECONNRESET":
    case "broken off":
      return ["the connection broke off", "look at cloudflared's and Ollama's logs"];
    default:
      return [`no connection (${fault})`, "does the address say http or https as it should?"];
  }
}

function accessTodo({ headers }) {
  if (Object.keys(headers).length === 0) {
    return "give it the service token: CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET";
  }
  return (
    "the token may have expired; the application's policy has to have the action Service Auth " +
    "(not Allow) and include this token"
  );
}
