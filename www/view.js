// One question and its answer, as the page shows them.
//
// All text goes into text nodes. A part of an answer that has not changed keeps its node, so that a
// selection in it survives while the rest streams in.

import { isOpen } from "./answer.js";
import { account } from "./account.js";
import { make } from "./element.js";
import { blocksOf, spansOf } from "./text.js";
import { wholeSeconds } from "./words.js";

// Below this a count of seconds would only flicker.
const PATIENT_MS = 2_000;

/** Adds an exchange to the list. `retry` asks its question again. */
export function addExchange(list, { question, model, retry }) {
  const thoughts = make("details", { class: "thoughts", hidden: "" }, [
    make("summary", {}, ["Thoughts"]),
    make("p"),
  ]);
  const body = make("div", { class: "answer" });
  const progress = make("p", { class: "progress" }, [flame(), make("span")]);
  const foot = make("div", { class: "foot" }, [progress]);
  const element = make("li", { class: "exchange" }, [
    make("h2", { class: "unseen" }, ["You"]),
    make("p", { class: "question" }, [question]),
    make("h2", { class: "unseen" }, ["Answer"]),
    thoughts,
    body,
    foot,
  ]);
  list.append(element);

  return {
    show(answer, now) {
      element.dataset.state = answer.state;
      thoughts.hidden = answer.thoughts === "";
      write(thoughts.lastChild, answer.thoughts);
      patch(body, blocksOf(answer.text));
      if (isOpen(answer)) {
        write(progress.lastChild, waiting(answer, model, now));
        if (!progress.isConnected) foot.replaceChildren(progress);
      } else {
        foot.replaceChildren(...account(answer), ...again(answer, retry));
      }
    },
    /** Takes away what only the last exchange offers. */
    settle() {
      element.querySelector(".again")?.remove();
    },
    remove: () => element.remove(),
  };
}

function waiting({ state, target, askedAt }, model, now) {
  if (state === "answering") return target ? `${target} is answering` : "Answering";
  const waited = now - askedAt;
  return `Waiting for ${model}${waited < PATIENT_MS ? "" : `, ${wholeSeconds(waited)}`}`;
}

function again({ state }, retry) {
  if (state === "whole" || state === "short") return [];
  const button = make("button", { type: "button", class: "again" }, ["Try again"]);
  button.addEventListener("click", retry);
  return [button];
}

function flame() {
  const flame = document.querySelector("h1 .flame").cloneNode(true);
  for (const path of flame.children) path.removeAttribute("id");
  flame.classList.add("small");
  return flame;
}

/** Makes the children of an element those of the blocks, and leaves alone what is the same. */
function patch(element, blocks) {
  blocks.forEach((block, at) => {
    const source = JSON.stringify(block);
    const before = element.children[at];
    if (before?.source === source) return;
    const after = Object.assign(blockElement(block), { source });
    if (before) before.replaceWith(after);
    else element.append(after);
  });
  while (element.children.length > blocks.length) element.lastChild.remove();
}

function blockElement(block) {
  switch (block.kind) {
    case "code":
      // A wide block scrolls by itself, and the keyboard must be able to do that too.
      return make("pre", { tabindex: "0", "aria-label": block.language || "code" }, [
        make("code", {}, [block.text]),
      ]);
    case "heading":
      return make("h3", {}, spans(block.text));
    case "item":
      return make("p", { class: `item depth-${block.depth}` }, [
        make("span", { class: "marker" }, [block.marker.replace(/^[-*+]$/, "•")]),
        make("span", {}, spans(block.text)),
      ]);
    default:
      return make("p", {}, spans(block.text));
  }
}

function spans(text) {
  return spansOf(text).map((span) =>
    span.kind === "plain" ? span.text : make(span.kind, {}, [span.text]),
  );
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
