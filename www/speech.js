// Tells a screen reader of an answer while it streams: sentence by sentence, each once.
//
// The answer itself is not a live region. Its text changes many times a second, and a reader would
// begin again with each change; here it hears a sentence when the sentence is whole, and can be
// outrun: what waits is dropped when the next question is asked.

const SENTENCES = /^(?:.*[.!?…:][)\]"'”’]*(?=\s)|.*(?=\n))/s;
const MARKS = /[`*#]+/g;

/** A voice in a live region. */
export function speaker(region) {
  let heard = 0;

  function say(text) {
    const words = text.replace(MARKS, "").trim();
    if (words === "") return;
    const line = document.createElement("p");
    line.textContent = words;
    region.append(line);
  }

  return {
    say,
    begin() {
      region.replaceChildren();
      heard = 0;
    },
    /** Says the sentences that are new in a growing text. */
    follow(text) {
      const [sentences] = SENTENCES.exec(text.slice(heard)) ?? [""];
      heard += sentences.length;
      say(sentences);
    },
    /** Says what is left of it. */
    finish(text) {
      say(text.slice(heard));
      heard = text.length;
    },
  };
}
