// The page's controls, and what they do.
//
// The access key is kept for this tab only, and goes only to the gateway that served the page.

import { complaint } from "./account.js";
import { isOpen } from "./answer.js";
import { listModels } from "./chat.js";
import { conversation } from "./conversation.js";
import { follow } from "./follow.js";
import { fillModels } from "./models.js";
import { speaker } from "./speech.js";
import { sentence } from "./words.js";

const KEY = "pilotlight.key";

const part = (id) => document.getElementById(id);
const [composer, question, model, send] = ["composer", "question", "model", "send"].map(part);
const [options, toggle, system, key] = ["options", "toggle", "system", "key"].map(part);
const notice = part("notice");
const voice = speaker(part("voice"));
const talk = conversation({
  list: part("exchanges"),
  wish: () => ({ model: model.value, system: system.value, key: key.value.trim() }),
  end: follow(part("newest")),
  voice,
  onState,
});

let refused = false;

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  if (talk.isOpen()) talk.stop();
  else put();
});

question.addEventListener("keydown", (event) => {
  // While a word is being composed, Enter chooses it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!talk.isOpen()) put();
});

send.addEventListener("click", (event) => {
  // The second click of a double click would stop what the first one sent.
  if (event.detail > 1) event.preventDefault();
});

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  if (talk.isOpen()) talk.stop();
  else if (!options.hidden) showOptions("false", toggle);
});

toggle.addEventListener("click", () => {
  if (options.hidden) showOptions("true", system);
  else showOptions("false", toggle);
});

options.addEventListener("submit", (event) => {
  event.preventDefault();
  showOptions("false", question);
});

key.addEventListener("change", async () => {
  sessionStorage.setItem(KEY, key.value);
  await loadModels();
  if (refused && key.value !== "") talk.again();
});

part("exchanges").addEventListener("click", (event) => {
  // The button goes away with the answer that it replaces, and would take the focus along.
  if (event.target.closest(".again")) question.focus();
});

part("fresh").addEventListener("click", () => {
  talk.clear();
  part("welcome").hidden = false;
  voice.say("New conversation.");
  question.focus();
});

key.value = sessionStorage.getItem(KEY) ?? "";
// On a touch screen focus would open the keyboard over a page that nobody has read yet.
if (matchMedia("(pointer: fine)").matches) question.focus();
await loadModels();

function put() {
  const text = question.value.trim();
  if (text === "") return;
  question.value = "";
  part("welcome").hidden = true;
  talk.put(text);
  // The routes could not be had; perhaps they can now.
  if (notice.hasChildNodes()) loadModels();
}

function onState(answer) {
  const open = answer !== undefined && isOpen(answer);
  document.body.dataset.flame = open ? answer.state : "pilot";
  send.textContent = open ? "Stop" : "Send";
  const error = answer?.error;
  const wasRefused = refused;
  refused = error?.status === 401;
  if (refused && !wasRefused) askForKey(error);
}

async function loadModels() {
  const { models, error } = await listModels(key.value.trim());
  part("key-problem").textContent = "";
  notice.replaceChildren();
  if (models) fillModels(model, models);
  else if (error.status === 401) askForKey(error);
  else notice.append(...complaint({ error }));
}

function askForKey(error) {
  part("key-problem").textContent = sentence(error);
  showOptions("true", key);
}

function showOptions(shown, focus) {
  options.hidden = shown === "false";
  toggle.setAttribute("aria-expanded", shown);
  focus.focus();
}
