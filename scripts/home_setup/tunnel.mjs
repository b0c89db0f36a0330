// cloudflared's config.yml for the box: one name, four paths, and a 404 for all the rest.
//
// Ollama has no credentials of its own, and next to its chat API it has calls that delete models or
// fill the disk. So the file lets through the paths that the gateway asks for and no other. The
// keys are those of cloudflared's `config/configuration.go`
// (<https://developers.cloudflare.com/tunnel/advanced/local-management/configuration-file/>).

import { SYSTEMS } from "./systems.mjs";

/** What stands where the tunnel's UUID is not known yet. */
export const UNKNOWN_TUNNEL = "<UUID>";

/** The paths that the gateway asks an Ollama for, as a Go regexp. */
export const PATH_RULE = "^/api/(chat|ps|tags|version)$";

/** The file's text. */
export function tunnelConfig(told) {
  const { tunnel = UNKNOWN_TUNNEL, vpc, os } = told;
  const lines = [
    "# The tunnel from the box at home to Cloudflare. Made by `npm run home`.",
    `# Its place is ${SYSTEMS[os].configPath}.`,
    `tunnel: ${tunnel}`,
    `credentials-file: ${SYSTEMS[os].credentials(tunnel)}`,
    ...(vpc ? privately() : publicly(told)),
  ];
  return `${lines.join("\n")}\n`;
}

/** The Worker comes in by a VPC service, which names host and port itself and reads no rule. */
function privately() {
  return [
    "protocol: quic # Workers VPC works over QUIC alone: UDP 7844 has to be open on the way out",
    "ingress:",
    "  - service: http_status:404 # no public name leads here",
  ];
}

function publicly({ hostname, port, team, aud }) {
  return [
    "ingress:",
    `  - hostname: ${hostname}`,
    "    # A Go regexp. Without ^ and $ it would match anywhere in a path: /api/chat/../delete",
    "    # would come through, and Ollama asks nobody for a password.",
    `    path: '${PATH_RULE}'`,
    `    service: http://127.0.0.1:${port} # not "localhost", which may mean ::1`,
    "    originRequest:",
    `      httpHostHeader: "localhost:${port}" # else Ollama refuses the name with an empty 403`,
    "      connectTimeout: 5s # is the box's Ollama down, the gateway shall know it at once",
    ...(team ? accessLines(team, aud) : []),
    "  - service: http_status:404 # everything else; the last rule has to match all",
  ];
}

function accessLines(team, aud) {
  return [
    "      access: # a second lock: what did not come through Access is refused here too",
    "        required: true",
    `        teamName: "${team}"`,
    "        audTag:",
    `          - "${aud}" # of the Access application for this very name`,
  ];
}
