/**
 * `npm run test:interop`: installs or builds the programs that the tests against real peers need, reports missing ones, and runs the tests.
 * Arguments are passed to vitest (`-- discovery -t "Rust joins"`). The last line is `N passed, N failed`.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Exit } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { wrongArgument } from "../scripts/vitestArguments.ts"
import { buildPeer } from "./lib/programs.ts"
import { provideTools } from "./lib/Tools.ts"

const help = `npm run test:interop [-- FILTER …]

Runs the tests against real peers: builds the Rust peer with cargo, installs Debian packages as root, starts vitest.
FILTER and other arguments are those of vitest: a part of a file's name, or -t with a part of a test's name.`

const vitest = new URL("../node_modules/vitest/vitest.mjs", import.meta.url).pathname
const config = new URL("vitest.config.ts", import.meta.url).pathname

const main = Effect.gen(function* () {
  const args = process.argv.slice(2)
  if (args.includes("--help")) {
    yield* Console.log(help)
    return 0
  }
  const wrong = wrongArgument(args)
  if (wrong !== undefined) {
    yield* Console.error(wrong)
    return 2
  }
  yield* provideTools
  yield* Console.log("— building the Rust peers")
  yield* buildPeer
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const tests = ChildProcess.make(process.execPath, [vitest, "run", "--config", config, ...args], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  })
  return Number(yield* spawner.exitCode(tests))
}).pipe(
  Effect.catchTag("InteropError", ({ message }) => Effect.as(Console.log(`${message}\n\n0 passed, 1 failed`), 1)),
  Effect.provide(NodeServices.layer),
)

NodeRuntime.runMain(main, {
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 1),
})
