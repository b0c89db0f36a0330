// What a gateway may say, as the page hears it: for what one that works does not say when asked.

/** The end of a stream that is whole. */
export const DONE = "[DONE]";

/** A streamed answer of these events. */
export const stream = (...events) => {
  const lines = events.map((event) => (event === DONE ? event : JSON.stringify(event)));
  return {
    contentType: "text/event-stream; charset=utf-8",
    body: lines.map((line) => `data: ${line}\n\n`).join(""),
  };
};

export const says = (content) => ({
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});

export const ends = (finish_reason, pilotlight) => ({
  choices: [{ index: 0, delta: {}, finish_reason }],
  pilotlight,
});

/** An error in OpenAI's envelope. */
export const failure = (status, error) => ({
  status,
  contentType: "application/json",
  body: JSON.stringify({ error }),
});

/** A page that somebody else answers with. */
export const page = (status) => ({ status, contentType: "text/html", body: "<h1>Hello</h1>" });

/** A word that has no place to break. */
export const WIDE = "x".repeat(300);

const LONG = [
  "# A heading",
  "Words and `code` and **more**.",
  `- ${WIDE}`,
  `\`\`\`\n${WIDE} ${WIDE}\n\`\`\``,
  ...Array.from({ length: 30 }, (_, number) => `Paragraph ${number}.`),
].join("\n\n");

const CUT_FOR_HOME = {
  target: "home",
  model: "llama3.2",
  attempts: [{ target: "home", outcome: "ok", ms: 12 }],
  truncated: { messages: 12, tokens: 41_200 },
};

/** An answer that a second target ended. */
export const TAKEN_OVER = stream(
  says("Half "),
  says("and half."),
  ends("stop", {
    target: "home",
    model: "llama3.2",
    attempts: [
      { target: "groq", outcome: "stream_cut", ms: 40 },
      { target: "home", outcome: "ok", ms: 12 },
    ],
    parts: [
      { target: "groq", model: "m", characters: 5 },
      { target: "home", model: "llama3.2", characters: 1_209 },
    ],
  }),
  DONE,
);

/** A long answer to a conversation that was cut. */
export const LONG_ANSWER = stream(says(LONG), ends("stop", CUT_FOR_HOME), DONE);
