// The gateway's machine words in plain ones: outcomes, endings, errors, times and counts.
//
// A word that is not known here is shown as it came: saying it badly beats not saying it.

/** Every outcome of an attempt: the gateway's reasons, and what only the page tells apart. */
export const OUTCOMES = {
  ok: "answered",
  begun: "began to answer",
  failed: "failed",
  access_denied: "Cloudflare Access turned the gateway away",
  attempt_timeout: "took too long in all",
  box_away: "skipped: its box is away",
  breaker_open: "skipped: it has failed too often of late",
  caller_left: "you left before it answered",
  content_policy: "withheld an answer",
  context_overflow: "the conversation is too long for it",
  credential: "refused the gateway's key",
  deadline: "no time left",
  empty: "answered with nothing",
  ended_without_done: "went quiet before the end",
  engine_error: "its engine failed",
  first_token_timeout: "the first word took too long",
  forwarded: "skipped: its box would send it on to a cloud",
  headers_timeout: "did not reply in time",
  home_busy: "is busy",
  host_refused: "refused the host name",
  in_stream_error: "failed while answering",
  left_home: "its box sent it on to a cloud",
  model_loading: "was still loading its model",
  model_missing: "does not have the model",
  no_binding: "skipped: its binding is not there",
  no_key: "skipped: its key is not set",
  no_splice: "told another answer than the one it was to go on with",
  not_an_api: "replied with something that is no answer",
  origin_refused: "nothing listens behind the tunnel",
  outpaced: "was slower than another",
  overloaded: "overloaded or broken",
  private: "skipped: it is not at home",
  redirected: "wanted to send the gateway elsewhere",
  rejected: "refused the request",
  server_busy: "its queue is full",
  spend_limit: "its account is out of credit",
  stalled: "fell silent",
  stream_cut: "broke off",
  throttled: "throttled",
  too_long: "skipped: the conversation is too long for it",
  tunnel_down: "the tunnel is down",
  tunnel_timeout: "did not reply through the tunnel in time",
  unreachable: "unreachable",
  unsupported: "skipped: cannot take the request",
  unverified: "skipped: nobody knows whether it keeps this at home",
};

const FINISHES = {
  content_filter: "Withheld by the provider’s filter",
  length: "Reached its length limit",
  tool_calls: "Asked for a tool",
};

// Of these the gateway's own sentence is for a program's author, or repeats the attempts, which are
// listed below it anyway.
const ERRORS = {
  all_targets_failed: "No target could answer.",
  all_targets_throttled: "Every target is throttled.",
  all_targets_timed_out: "No target answered in time.",
  invalid_api_key: "The gateway asks for an access key that it knows.",
};

/** How an attempt went: "throttled (429)". */
export function outcome({ outcome, status, field }) {
  const words = OUTCOMES[outcome] ?? outcome.replaceAll("_", " ");
  return `${words}${field ? ` (${field})` : ""}${status ? ` (${status})` : ""}`;
}

/** What is to be said of an answer that is not simply whole; undefined when it is. */
export function standing({ state, finish, text }) {
  switch (state) {
    case "short":
      return FINISHES[finish] ?? `Ended with “${finish}”`;
    case "stopped":
      return text === "" ? "Stopped before it began" : "Stopped by you";
    case "unfinished":
      return "Unfinished";
    case "failed":
      return "No answer";
    default:
      return undefined;
  }
}

/** What went wrong with an answer, in a sentence; undefined when nothing did. */
export function problem({ state, error, text }) {
  if (state !== "unfinished") return error && sentence(error);
  return text === "" ? brokeOff(error) : `${brokeOff(error)} What stands above is not all of it.`;
}

function brokeOff(error) {
  // The gateway's own sentence names the reason, which the attempts below it say in words.
  return error ? "The answer broke off." : "The connection ended before the answer did.";
}

/** An error in a sentence. */
export function sentence({ code, message, pilotlight }) {
  if (pilotlight?.mistakes) return "The gateway’s configuration is wrong:";
  return ERRORS[code] ?? closed(message.charAt(0).toUpperCase() + message.slice(1));
}

/** "840 ms", "3.1 s", "2 min 5 s", none of which breaks over two lines. */
export function duration(ms) {
  if (ms < 999.5) return `${Math.round(ms)}\u00a0ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}\u00a0s`;
  return wholeSeconds(ms);
}

/** The same without the tenths that a count or a wait of whole seconds does not have. */
export function wholeSeconds(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}\u00a0s`;
  return `${Math.floor(seconds / 60)}\u00a0min ${seconds % 60}\u00a0s`;
}

/** "1 message", "1,200 tokens". */
export function count(number, thing) {
  return `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;
}

/** Why a request stayed at home. */
export function grounds(told) {
  const [why, kind] = told.split(":");
  if (why === "pii") return `personal data was found in it (${kind.replaceAll("_", " ")})`;
  return why === "route" ? "its route says so" : "you asked for it";
}

/** "groq, then home". */
export function chain(targets) {
  return targets.join(", then ");
}

function closed(text) {
  return /[.!?:]$/.test(text) ? text : `${text}.`;
}
