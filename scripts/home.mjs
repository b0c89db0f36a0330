// `npm run home`: what the box at home needs to be reached, written and explained; or, checked.
//
// It asks nothing and changes nothing outside its own folder: the steps that need an account, root
// or a browser are printed in their order, each with its command. `--check` looks at a box that is
// up, from here, the way the gateway will. It runs on the box itself too, which may be Windows, so
// nothing here needs a shell.

import { command } from "./command.mjs";
import { checkHome } from "./home_check/check.mjs";
import { helpText, readOptions } from "./home_setup/options.mjs";
import { writeSetup } from "./home_setup/setup.mjs";

await command(async () => {
  const told = readOptions(process.argv.slice(2));
  if (told.mode === "help") console.log(helpText());
  else if (told.mode === "check") await checkHome(told);
  else writeSetup(told);
});
