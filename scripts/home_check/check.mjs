// `npm run home -- --check`: looks at a box that is up, the way the gateway will, one thing at a time.
//
// Each thing is a file beside this one. What comes later is asked only when what it stands on is
// there, so that one mistake is told once. A cross fails the command; a dash does not: it is what
// cannot be proved from here, or what is as it should be on a private address alone.

import { readConfig, secretsFor } from "../config.mjs";
import { Failed } from "../run.mjs";
import { npmPackages } from "../setup/npm.mjs";
import { checkAccess, checkEncryption } from "./access.mjs";
import { checkAnswer } from "./answer.mjs";
import { checkModel } from "./model.mjs";
import { checkPaths } from "./paths.mjs";
import { checkReach } from "./reach.mjs";
import { bad, line, open } from "./say.mjs";
import { subject, subjects, targetAt } from "./subjects.mjs";

/** Looks at what was told; throws when something is wrong. */
export async function checkHome(told) {
  const boxes = await boxesFor(told);
  const crossed = [];
  for (const box of boxes) {
    console.log(`${box.name}${box.url ? ` at ${box.url}` : ""}`);
    for await (const found of checkBox({ ...box, isPublic: box.isPublic || told.public })) {
      console.log(line(found));
      if (found.mark === "bad") crossed.push(found);
    }
  }
  if (crossed.length > 0) {
    throw new Failed(`${crossed.map(({ name }) => name).join(", ")}: see what is crossed above.`);
  }
}

async function boxesFor(told) {
  if (told.url) {
    const target = targetAt(told);
    const secrets = secretsFor({ targets: { target } });
    const box = subject("The box", target, secrets);
    // An address of one's own network has no Access, so nothing is missing there.
    return [{ ...box, missing: box.missing.length === 1 ? box.missing : [] }];
  }
  await npmPackages();
  const config = await readConfig();
  const found = subjects(config, secretsFor(config));
  if (found.length > 0) return found;
  throw new Failed("The config has no target with `home = true`; give an address: --check <url>");
}

/** What is found of one box, as it is found. */
async function* checkBox(box) {
  if (box.why) {
    yield open("skipped", box.why);
    return;
  }
  if (box.missing.length > 0) {
    const names = box.missing.join(" and ");
    yield bad("secrets", `${names} not set`, "export it, or write it in .dev.vars");
    return;
  }
  const reach = await checkReach(box);
  yield* reach.found;
  if (!reach.isOllama) {
    yield open("the rest", "not asked");
    return;
  }
  yield* checkEncryption(box);
  yield* await checkAccess(box);
  yield* await checkPaths(box);
  const { found, model } = await checkModel(box);
  yield* found;
  if (model) yield* await checkAnswer({ ...box, model });
  else yield open("answer", "not asked for, without the model");
}
