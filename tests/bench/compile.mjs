// Prints how long a wasm module takes to compile and to instantiate, in milliseconds.
//
// Once a process, because the engine remembers what it has compiled. The module's imports are empty
// functions, so that this is the engine's work and none of the module's own.

import { readFileSync } from "node:fs";

const bytes = readFileSync(process.argv[2]);
const began = performance.now();
const module = new WebAssembly.Module(bytes);
const compiled = performance.now();
new WebAssembly.Instance(module, stubs(module));
console.log(JSON.stringify([compiled - began, performance.now() - compiled]));

function stubs(module) {
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === "tag" ? WebAssembly.JSTag : () => {};
  }
  return imports;
}
