// Preloaded into wrangler: ends its whole process group when the command that started it is gone.
//
// A command that is killed outright can end nothing any more, and workerd would keep the port. But
// the pipe that it held to its child's standard input closes, and that can be seen from here.

process.stdin.once("close", () => process.kill(0, "SIGKILL"));
process.stdin.resume();
process.stdin.unref?.();
