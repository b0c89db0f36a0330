// The lines of wrangler.toml for the target that the box is.

/** The name of the binding to a Workers VPC service. */
const BINDING = "HOME";

/** The text of `wrangler.snippet.toml`. */
export function snippet({ hostname, vpc, model, context }) {
  const way = vpc
    ? [`binding = "${BINDING}"`]
    : [
        `base_url = "https://${hostname}"`,
        'access_id = "CF_ACCESS_CLIENT_ID" # the names of the two secrets, never their values',
        'access_secret = "CF_ACCESS_CLIENT_SECRET"',
      ];
  return [
    "# For wrangler.toml, in the place of its [vars.PILOTLIGHT.targets.home].",
    ...(vpc ? service() : []),
    "[vars.PILOTLIGHT.targets.home]",
    'provider = "ollama"',
    ...way,
    `model = ${JSON.stringify(model)}`,
    `context = ${context} # what OLLAMA_CONTEXT_LENGTH is on the box`,
    "home = true",
    "",
  ].join("\n");
}

function service() {
  return [
    "[[vpc_services]]",
    `binding = "${BINDING}"`,
    'service_id = "<ID>" # `npx wrangler vpc service list` shows it',
    "remote = true # `wrangler dev` goes to the real box too",
    "",
  ];
}
