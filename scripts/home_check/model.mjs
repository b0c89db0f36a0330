// Is the model there, and is it the box that answers for it?
//
// An Ollama whose owner has signed in forwards models whose name says `cloud` to ollama.com. Such a
// model is not home: what callers send leaves the house.

import { isRemote, tagged } from "../home/ollama.mjs";
import { ask, object } from "./ask.mjs";
import { bad, good, open } from "./say.mjs";

const NAME = "model";

/** What is found, and the name of the model that can be asked. */
export async function checkModel(box) {
  const answer = await ask(box.url, { path: "/api/tags", headers: box.headers });
  const models = answer.status === 200 ? object(answer)?.models : undefined;
  if (!Array.isArray(models)) {
    const seen = `GET /api/tags: ${answer.fault ?? answer.status}, and no list`;
    return { found: [bad(NAME, seen, "config.yml's path has to let /api/tags through")] };
  }
  const forwarded = models.filter(isRemote).map(({ name }) => name);
  const own = models.filter((model) => !isRemote(model)).map(({ name }) => name);
  const found = [];
  const wanted = box.model ?? own[0];
  if (!wanted) {
    found.push(bad(NAME, "there is none", "`ollama pull llama3.2`"));
    return { found };
  }
  const is = (name) => tagged(name) === tagged(wanted);
  if (forwarded.some(is) || isRemote({ name: wanted })) {
    const todo = "a model of the box's own; OLLAMA_NO_CLOUD=1 on the box keeps all prompts there";
    found.push(bad(NAME, `${wanted} is forwarded to ollama.com: it is not home`, todo));
    return { found };
  }
  if (!own.some(is)) {
    const there = own.length > 0 ? `there are ${own.join(", ")}` : "there is none";
    found.push(bad(NAME, `${wanted} is not there; ${there}`, `\`ollama pull ${wanted}\``));
    return { found };
  }
  const said = box.model ? "is there" : "is the first there (--model takes another)";
  found.push(good(NAME, `${wanted} ${said}`));
  if (forwarded.length > 0) {
    found.push(
      open("forwarded", `${forwarded.join(", ")}: answered by ollama.com, not by the box`),
    );
  }
  return { found, model: wanted };
}
