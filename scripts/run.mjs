// Child processes: run one to its end, keep one going, and end all that still live.
//
// Each child leads a process group of its own, because the programs started here start others
// (npx, wrangler, pip), and a signal to the first alone would leave those behind. The price is that
// Ctrl-C in the terminal no longer reaches them by itself; command.mjs passes it on.

import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clock, note } from "./say.mjs";

const GRACE_MS = 5_000;
const HEARTBEAT_MS = 20_000;
const living = new Set();

/** A program that ended otherwise than well; its message says which and how. */
export class Failed extends Error {}

/** Runs a program to its end with its output shown; `watch` also gets what it prints. */
export async function run(program, args, { cwd, env, watch } = {}) {
  const stdio = ["ignore", watch ? "pipe" : "inherit", "inherit"];
  const child = start(program, args, { cwd, env, stdio });
  const drained = watch && passOn(child.stdout, watch);
  try {
    await succeeded(child, [program, ...args].join(" "));
  } finally {
    // Its last lines may come after its end; but a program that it left behind may hold the pipe.
    await Promise.race([drained, sleep(GRACE_MS, undefined, { ref: false })]);
  }
}

/** Runs a long and chatty program with its output in `log`, and a line now and then to say so. */
export async function runLogged(log, program, args, { cwd, env } = {}) {
  mkdirSync(dirname(log), { recursive: true });
  const out = openSync(log, "a");
  const began = performance.now();
  const heartbeat = setInterval(
    () => note(`... ${clock(performance.now() - began)}  ${lastLine(log)}`),
    HEARTBEAT_MS,
  );
  try {
    const child = start(program, args, { cwd, env, stdio: ["ignore", out, out] });
    await succeeded(child, [program, ...args].join(" "));
  } catch (error) {
    throw new Failed(`${error.message}\n${tail(log)}\n(the whole output: ${log})`);
  } finally {
    clearInterval(heartbeat);
    closeSync(out);
  }
}

/** What a program prints on both of its outputs, or undefined when it is missing or fails. */
export function capture(program, args, { env } = {}) {
  const done = spawnSync(program, args, { encoding: "utf8", env: env ?? process.env });
  return done.status === 0 ? `${done.stdout}${done.stderr}`.trim() : undefined;
}

/** The path of a program on PATH, or undefined. */
export function which(program) {
  return capture("sh", ["-c", 'command -v "$1"', "sh", program]) || undefined;
}

/** Starts a program that lives until `endAll`, or until it ends by itself. */
export function start(program, args, { cwd, env, stdio }) {
  const child = spawn(program, args, { cwd, env: env ?? process.env, stdio, detached: true });
  living.add(child);
  child.ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    living.delete(child);
    // Those that it started and did not wait for.
    signalGroup(child, "SIGKILL");
  });
  return child;
}

/** Ends every process group started here that still lives: asked first, then made to. */
export async function endAll() {
  const children = [...living];
  children.forEach((child) => signalGroup(child, "SIGTERM"));
  const ended = Promise.all(children.map((child) => child.ended));
  await Promise.race([ended, sleep(GRACE_MS, undefined, { ref: false })]);
  children.forEach((child) => signalGroup(child, "SIGKILL"));
}

function passOn(output, watch) {
  output.on("data", (bytes) => {
    process.stdout.write(bytes);
    watch(bytes.toString());
  });
  return new Promise((resolve) => output.once("close", resolve));
}

async function succeeded(child, line) {
  const { code, signal, error } = await child.ended;
  if (code !== 0) {
    throw new Failed(`${line}\nfailed: ${error?.message ?? signal ?? `exit code ${code}`}`);
  }
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone, which is what was wanted.
  }
}

function tail(log) {
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-30).join("\n");
}

function lastLine(log) {
  return tail(log).split("\n").at(-1).slice(0, 80);
}
