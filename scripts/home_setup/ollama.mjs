// Ollama's settings on the box, in the form that each system keeps them in.
//
// They are environment variables of the server (Ollama's `envconfig/config.go`), and each system
// has its own way of giving a background program some: a drop-in of systemd, an agent of launchd,
// the user's variables of Windows (<https://docs.ollama.com/faq#how-do-i-configure-ollama-server>).

const DEFAULT_PORT = 11434;

/** The file of systemd. */
export const DROP_IN = "ollama.conf";

/** The file of launchd. */
export const AGENT = "pilotlight.ollama-settings.plist";

/** The file of Windows. */
export const SCRIPT = "ollama-settings.ps1";

/** A drop-in for systemd's unit `ollama.service`. */
export function dropIn(told) {
  const lines = settings(told).flatMap(({ name, value, why }) => [
    `# ${why}`,
    `Environment="${name}=${value}"`,
  ]);
  const head = "# For the home box of the gateway. Made by `npm run home`.";
  return [head, "[Service]", ...lines, ""].join("\n");
}

/**
 * An agent that sets the variables at login. `launchctl setenv` reaches the app and `brew services`
 * alike, but is forgotten when the machine restarts; hence the agent.
 */
export function agent(told) {
  const commands = settings(told).map(({ name, value }) => `launchctl setenv ${name} ${value}`);
  const why = settings(told).map(({ name, why: reason }) => `  ${name}: ${reason}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    "<!-- For the home box of the gateway. Made by `npm run home`.",
    ...why,
    "-->",
    '<plist version="1.0">',
    "<dict>",
    "  <key>Label</key>",
    `  <string>${AGENT.replace(/\.plist$/, "")}</string>`,
    "  <key>ProgramArguments</key>",
    "  <array>",
    "    <string>/bin/sh</string>",
    "    <string>-c</string>",
    `    <string>${commands.join("; ")}</string>`,
    "  </array>",
    "  <key>RunAtLoad</key>",
    "  <true/>",
    "</dict>",
    "</plist>",
    "",
  ].join("\n");
}

/** A script that sets the user's variables, which Ollama for Windows reads when it starts. */
export function script(told) {
  const lines = settings(told).flatMap(({ name, value, why }) => [
    `# ${why}`,
    `[Environment]::SetEnvironmentVariable("${name}", "${value}", "User")`,
  ]);
  return ["# For the home box of the gateway. Made by `npm run home`.", ...lines, ""].join("\n");
}

function settings({ port, context }) {
  return [
    {
      name: "OLLAMA_CONTEXT_LENGTH",
      value: context,
      why: "the window in tokens: the target's `context`, so that no other caller makes it load anew",
    },
    {
      name: "OLLAMA_NUM_PARALLEL",
      value: 1,
      why: "answers at a time: each further one takes the memory of one more window",
    },
    {
      name: "OLLAMA_KEEP_ALIVE",
      value: "30m",
      why: "how long a model stays loaded: the first answer after that waits for the load",
    },
    ...(port === DEFAULT_PORT ? [] : [listening(port)]),
  ];
}

function listening(port) {
  return {
    name: "OLLAMA_HOST",
    value: `127.0.0.1:${port}`,
    why: "this machine alone: on 0.0.0.0 everyone on the network could delete its models",
  };
}
