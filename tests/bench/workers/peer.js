// A JavaScript gateway that does for one upstream what Pilotlight does for it when all goes well.
//
// It is written to be fast, as far as its author would still call it plain: what can be made once an
// isolate is, fields are taken over in one pass, and each body is parsed and written once. It has no
// chain, no breaker and no fitting, which cost Pilotlight a little even when they have nothing to do.

const ROLES = new Set(["assistant", "developer", "function", "system", "tool", "user"]);

const FIELDS = new Set([
  "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
  "max_completion_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction",
  "presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format",
  "safety_identifier", "seed", "service_tier", "stop", "store", "temperature", "tool_choice",
  "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
]);

class Refusal extends Error {
  constructor(status, message, param = null) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

let isolate;

function setUp(env) {
  const holders = new Map();
  for (const pair of env.KEYS.split(",")) {
    const [holder, key] = pair.split("=");
    holders.set(`Bearer ${key}`, holder);
  }
  const headers = new Headers({
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "user-agent": "peer/0.1.0",
    authorization: `Bearer ${env.UPSTREAM_KEY}`,
  });
  return { holders, headers };
}

export default {
  async fetch(request, env) {
    isolate ??= setUp(env);
    const id = `req_${crypto.randomUUID()}`;
    try {
      return await serve(request, env, id);
    } catch (error) {
      const { status = 500, message, param = null } = error;
      const told = { error: { message, type: "invalid_request_error", param, code: null } };
      return Response.json(told, { status, headers: { "x-pilotlight-request-id": id } });
    }
  },
};

async function serve(request, env, id) {
  const started = Date.now();
  const { pathname } = new URL(request.url);
  if (pathname !== "/v1/chat/completions") throw new Refusal(404, `nothing is at ${pathname}`);
  if (request.method !== "POST") throw new Refusal(405, `${pathname} takes POST`);
  const caller = isolate.holders.get(request.headers.get("authorization"));
  if (caller === undefined) throw new Refusal(401, "no such key");
  if (!request.headers.get("content-type")?.startsWith("application/json")) {
    throw new Refusal(415, "the Content-Type is not application/json");
  }
  if (Number(request.headers.get("content-length")) > env.MAX_BODY) {
    throw new Refusal(413, "the body is too large");
  }
  const asked = await parsed(request);
  const answer = await ask(env, rebuilt(asked, env.MODEL));

  const ms = Date.now() - started;
  const attempts = [{ target: env.TARGET, outcome: "ok", ms }];
  answer.pilotlight = { target: env.TARGET, model: env.MODEL, request_id: id, attempts };
  console.log(
    JSON.stringify({
      event: "request",
      id,
      route: asked.model,
      outcome: "answered",
      status: 200,
      stream: false,
      ms,
      caller,
      target: env.TARGET,
      model: env.MODEL,
      attempts,
      finish_reason: answer.choices[0].finish_reason,
      tokens_in: answer.usage?.prompt_tokens,
      tokens_out: answer.usage?.completion_tokens,
    }),
  );
  return new Response(JSON.stringify(answer), {
    headers: {
      "content-type": "application/json",
      "x-pilotlight-target": env.TARGET,
      "x-pilotlight-model": env.MODEL,
      "x-pilotlight-attempts": `${env.TARGET}:ok`,
      "x-pilotlight-request-id": id,
      "x-request-id": id,
    },
  });
}

async function parsed(request) {
  let body;
  try {
    body = await request.json();
  } catch {
    throw new Refusal(400, "the body is not JSON");
  }
  if (typeof body?.model !== "string") throw new Refusal(400, "model is missing", "model");
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new Refusal(400, "messages is not an array of messages", "messages");
  }
  for (let at = 0; at < messages.length; at++) {
    const { role, content, tool_calls } = messages[at];
    if (!ROLES.has(role)) throw new Refusal(400, "unknown role", `messages[${at}].role`);
    if (typeof content !== "string" && !Array.isArray(content) && tool_calls === undefined) {
      throw new Refusal(400, "content is missing", `messages[${at}].content`);
    }
  }
  return body;
}

function rebuilt(asked, model) {
  const body = { model, messages: asked.messages };
  for (const name in asked) {
    if (FIELDS.has(name) && asked[name] !== null) body[name] = asked[name];
  }
  return JSON.stringify(body);
}

async function ask(env, body) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), env.TIMEOUT_MS);
  try {
    const answer = await fetch(env.UPSTREAM, {
      method: "POST",
      headers: isolate.headers,
      body,
      redirect: "manual",
      signal: controller.signal,
    });
    if (answer.status !== 200) throw new Refusal(502, `the upstream answered ${answer.status}`);
    if (!answer.headers.get("content-type")?.startsWith("application/json")) {
      throw new Refusal(502, "the upstream answered something else");
    }
    const completion = await answer.json();
    if (completion.error) throw new Refusal(502, "the upstream answered an error");
    if (!completion.choices?.[0]?.finish_reason) throw new Refusal(502, "the answer is not whole");
    return completion;
  } finally {
    clearTimeout(timer);
  }
}
