// `npm run build`, and what wrangler runs before it serves or deploys (wrangler.toml, [build]).
//
// The building itself is in worker.mjs, which the other two commands share.

import { command } from "./command.mjs";
import { buildWorker } from "./worker.mjs";

await command(buildWorker);
