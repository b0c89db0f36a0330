// What differs between the systems that a box can run: places, files, and how services are started.
//
// cloudflared runs as a service of root or of the system, so its files are where that user looks
// for them, which is not where `cloudflared tunnel create` leaves the credentials
// (<https://developers.cloudflare.com/tunnel/advanced/local-management/as-a-service/>).

import { existsSync, readFileSync } from "node:fs";
import { AGENT, agent, DROP_IN, dropIn, SCRIPT, script } from "./ollama.mjs";

const ETC = "/etc/cloudflared";
const PROFILE = "C:\\Windows\\System32\\config\\systemprofile\\.cloudflared";
const UNIT = "/etc/systemd/system/ollama.service.d";

/** A place below a folder that was named on a command line, quoted where a shell needs it. */
const below = (folder, name) => {
  const path = `${folder}/${name}`;
  return /^[\w./~-]+$/.test(path) ? path : `'${path}'`;
};

const unix = {
  shell: "sh",
  node: "npm run home --",
  configPath: `${ETC}/config.yml`,
  credentials: (tunnel) => `${ETC}/${tunnel}.json`,
  placing: ({ out }, tunnel) => [
    `sudo mkdir -p ${ETC}`,
    `sudo cp ${below(out, "config.yml")} ${ETC}/config.yml`,
    `sudo cp ~/.cloudflared/${tunnel}.json ${ETC}/`,
  ],
};

const linux = {
  ...unix,
  ollamaFiles: (told) => ({ [DROP_IN]: dropIn(told) }),
  ollama: (told) => ({
    text: [],
    commands: [
      `sudo mkdir -p ${UNIT}`,
      `sudo cp ${below(told.out, DROP_IN)} ${UNIT}/pilotlight.conf`,
      "sudo systemctl daemon-reload",
      "sudo systemctl restart ollama",
    ],
  }),
  cloudflared: { text: [], commands: ["cloudflared --version"] },
  service: {
    text: [
      "What it logs: `journalctl -u cloudflared`. After a change: `sudo systemctl restart cloudflared`.",
    ],
    commands: [`sudo cloudflared --config ${ETC}/config.yml service install`],
  },
};

const macos = {
  ...unix,
  ollamaFiles: (told) => ({ [AGENT]: agent(told) }),
  ollama: (told) => ({
    text: [
      "The agent sets the variables now and at every login. For an Ollama that `brew services` runs, " +
        "the last line is `brew services restart ollama`.",
    ],
    commands: [
      `cp ${below(told.out, AGENT)} ~/Library/LaunchAgents/`,
      `launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/${AGENT}`,
      `osascript -e 'quit app "Ollama"' && sleep 2 && open -a Ollama`,
    ],
  }),
  cloudflared: { text: [], commands: ["brew install cloudflared"] },
  service: {
    text: [
      "With sudo it runs from boot on and reads /etc/cloudflared. After a change: " +
        "`sudo launchctl kickstart -k system/com.cloudflare.cloudflared`.",
    ],
    commands: ["sudo cloudflared service install"],
  },
};

const windows = {
  shell: "powershell",
  node: "node scripts/home.mjs",
  configPath: `${PROFILE}\\config.yml`,
  credentials: (tunnel) => `${PROFILE}\\${tunnel}.json`,
  placing: ({ out }, tunnel) => [
    `New-Item -ItemType Directory -Force ${PROFILE}`,
    `Copy-Item ${below(out, "config.yml")} ${PROFILE}\\config.yml`,
    `Copy-Item $env:USERPROFILE\\.cloudflared\\${tunnel}.json ${PROFILE}\\`,
  ],
  ollamaFiles: (told) => ({ [SCRIPT]: script(told) }),
  ollama: (told) => ({
    text: ["Quit Ollama in the task bar first, and start it from the Start menu afterwards."],
    commands: [`powershell -ExecutionPolicy Bypass -File ${below(told.out, SCRIPT)}`],
  }),
  cloudflared: { text: [], commands: ["winget install --id Cloudflare.cloudflared"] },
  service: {
    text: [
      "In a PowerShell run as administrator. The second and third line tell the service where its " +
        "file is: it runs as the system, which looks in no user's folder.",
    ],
    commands: [
      "cloudflared.exe service install",
      "$exe = (Get-Command cloudflared.exe).Source",
      "Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Services\\Cloudflared ImagePath " +
        `"\`"$exe\`" --config=${PROFILE}\\config.yml tunnel run"`,
      "Restart-Service Cloudflared",
    ],
  },
};

const wsl2 = {
  ...linux,
  ollamaFiles: (told) => ({ ...linux.ollamaFiles(told), ...windows.ollamaFiles(told) }),
  ollama: (told) => ({
    text: [
      "These lines are for an Ollama inside WSL2, and need systemd there (`/etc/wsl.conf`: `[boot]`, " +
        "`systemd=true`).",
      `An Ollama on Windows: run \`${SCRIPT}\` in PowerShell on Windows instead. With mirrored ` +
        "networking (`%USERPROFILE%\\.wslconfig`: `[wsl2]`, `networkingMode=mirrored`, then " +
        "`wsl --shutdown`) it is 127.0.0.1 from WSL2 too, and config.yml is right as it is.",
      "Without mirrored networking Windows is the gateway that `ip route show default` prints, another " +
        "one after each restart; Ollama must then listen on all addresses (`OLLAMA_HOST=0.0.0.0`), which " +
        "turns its host check off: keep the firewall shut. Better is cloudflared on Windows: `--os windows`.",
      "WSL ends a distribution that nobody uses, and the tunnel with it.",
    ],
    commands: linux.ollama(told).commands,
  }),
};

/** By the name that `--os` takes. */
export const SYSTEMS = { linux, macos, windows, wsl2 };

/** The name of this machine's system. */
export function thisSystem() {
  if (process.platform === "darwin") return "macos";
  if (process.platform === "win32") return "windows";
  const kernel = "/proc/version";
  const isWsl = existsSync(kernel) && /microsoft/i.test(readFileSync(kernel, "utf8"));
  return isWsl ? "wsl2" : "linux";
}
