// The folder for what is expensive to build, outside the tree, so that every clone shares it.
//
// One artefact is one folder, named with its version: a new version is a new folder and nothing
// goes stale. A marker written last tells done from half done: half-done work is thrown away and
// begun again, done work is never repeated. A lock keeps two commands from building the same one.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { note } from "./say.mjs";

const LOCK_POLL_MS = 1_000;

/** Where artefacts live. */
export function cacheFolder() {
  if (process.env.PILOTLIGHT_CACHE) return process.env.PILOTLIGHT_CACHE;
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pilotlight");
}

/** The folder of an artefact; `make(folder)` fills it when it is not there yet. */
export async function artefact(name, make, root = cacheFolder()) {
  const folder = join(root, name);
  if (isDone(folder)) return folder;
  mkdirSync(root, { recursive: true });
  const unlock = await lock(`${folder}.lock`);
  try {
    if (!isDone(folder)) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      await make(folder);
      writeFileSync(join(folder, "done"), "");
    }
  } finally {
    unlock();
  }
  return folder;
}

function isDone(folder) {
  return existsSync(join(folder, "done"));
}

async function lock(path) {
  for (let waited = 0; ; waited += LOCK_POLL_MS) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = holderOf(path);
    if (holder && !isAlive(holder)) rmSync(path, { force: true });
    else {
      if (waited === 0) note(`waiting for process ${holder}, which is making the same`);
      await sleep(LOCK_POLL_MS);
    }
  }
}

function holderOf(path) {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    // Let go of in the meantime.
    return 0;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
