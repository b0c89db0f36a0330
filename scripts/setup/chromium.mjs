// A Chromium for the tests of the page: the one named, the one installed, or Debian's.
//
// Playwright's own browser builds are not used: they come from a host of their own, which a
// locked-down machine does not reach, and any recent Chromium drives the page as well.

import { join } from "node:path";
import { cacheFolder } from "../cache.mjs";
import { runLogged, which } from "../run.mjs";
import { headline, warn } from "../say.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** The path of a Chromium, or undefined when none can be had here. */
export async function chromium() {
  const found = process.env.CHROMIUM || installed();
  if (found) return found;
  if (process.getuid?.() === 0 && which("apt-get")) {
    headline("Chromium, from Debian's packages");
    const log = join(cacheFolder(), "chromium.log");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await runLogged(log, "apt-get", ["update"], { env });
    await runLogged(log, "apt-get", ["install", "-y", "--no-install-recommends", "chromium"], {
      env,
    });
    return installed();
  }
  warn(
    "No Chromium is installed, and it cannot be installed here without being root on Debian.\n" +
      "The tests of the page say so and do not run; with CI set they fail.\n" +
      "Install Chromium, or set CHROMIUM to its path.",
  );
  return undefined;
}

function installed() {
  return NAMES.map(which).find(Boolean);
}
