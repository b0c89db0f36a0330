// Where things are in this tree. Scripts name places by these, so that any working folder will do.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the tree. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The built Worker: `index.js` and `index_bg.wasm`. */
export const BUILD = join(ROOT, "build");

/** What `npm start` makes for itself; git ignores it. */
export const HOME_BOX = join(ROOT, ".home");

/** The npm packages. */
export const NODE_MODULES = join(ROOT, "node_modules");
