// The choice of a route or a target.

import { make } from "./element.js";
import { chain } from "./words.js";

/** Fills the list from `GET /v1/models`; what is chosen stays chosen where it is still there. */
export function fillModels(select, models) {
  const chosen = select.value;
  const of = (kind) => models.filter(({ pilotlight }) => pilotlight?.kind === kind);
  select.replaceChildren(...group("Routes", of("route")), ...group("Targets", of("target")));
  const ids = models.map(({ id }) => id);
  const main = models.find(({ pilotlight }) => pilotlight?.default);
  select.value = [chosen, main?.id, ids[0]].find((id) => ids.includes(id)) ?? "";
}

function group(label, models) {
  if (models.length === 0) return [];
  const options = models.map(({ id, pilotlight }) =>
    make("option", { value: id }, [`${id} (${remark(pilotlight)})`]),
  );
  return [make("optgroup", { label }, options)];
}

function remark({ targets, model, key, binding }) {
  if (targets) return chain(targets);
  if (binding === "missing") return `${model}, its binding is not there`;
  return key === "missing" ? `${model}, its key is not set` : model;
}
