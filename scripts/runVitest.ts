/** The main program of a test command that prepares something and then runs vitest with a configuration of its own. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Exit } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { wrongArgument } from "./vitestArguments.ts"

const vitest = new URL("../node_modules/vitest/vitest.mjs", import.meta.url).pathname

/** Prints the help, or prepares and runs the tests; the process exits with vitest's code. The last line is `N passed, N failed`. */
export const runVitest = (options: {
  readonly help: string
  /** The path of vitest's configuration. */
  readonly config: string
  /** A failure of it ends the command with its message. */
  readonly prepare: Effect.Effect<void, { readonly message: string }, NodeServices.NodeServices>
}): void => {
  const main = Effect.gen(function* () {
    const args = process.argv.slice(2)
    if (args.includes("--help")) {
      yield* Console.log(options.help)
      return 0
    }
    const wrong = wrongArgument(args)
    if (wrong !== undefined) {
      yield* Console.error(wrong)
      return 2
    }
    yield* options.prepare
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const tests = ChildProcess.make(process.execPath, [vitest, "run", "--config", options.config, ...args], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
    })
    return Number(yield* spawner.exitCode(tests))
  }).pipe(
    Effect.catch(({ message }) => Effect.as(Console.log(`${message}\n\n0 passed, 1 failed`), 1)),
    Effect.provide(NodeServices.layer),
  )
  NodeRuntime.runMain(main, {
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 1),
  })
}
