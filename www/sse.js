// Server-sent events out of a stream of bytes.
//
// The browser's own reader, EventSource, can only GET, and a chat request is a POST. Of the fields
// of an event only `data` is of use here. The format:
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

/** The data of each event of a body. An event that the end of the stream cuts off is not one. */
export async function* dataOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const taken = take(rest + value);
      rest = taken.rest;
      yield* taken.data;
    }
    // A carriage return that ends the stream was waiting for a line feed that never came.
    if (rest.endsWith("\r")) yield* take(`${rest}\n`).data;
  } finally {
    // Whoever stops listening half-way hangs up. A stream that has broken has nothing to hang up.
    reader.cancel().catch(() => {});
  }
}

/** The events that are whole in a text, and the rest of it, which begins the next text. */
function take(text) {
  // The second half of a line end may be in the next text.
  const held = text.endsWith("\r") ? "\r" : "";
  const lines = text.slice(0, text.length - held.length).replace(/\r\n?/g, "\n");
  const events = lines.split("\n\n");
  const rest = events.pop() + held;
  return { data: events.flatMap(dataOfEvent), rest };
}

function dataOfEvent(event) {
  const lines = event.split("\n").filter((line) => line === "data" || line.startsWith("data:"));
  if (lines.length === 0) return [];
  return [lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n")];
}
