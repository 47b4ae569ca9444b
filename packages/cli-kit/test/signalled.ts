/**
 * A program for endSignals.test.ts: `stuck`, whose scope never closes; `computing`, which gives the event loop no turn; or `failing`, which
 * prints more than a pipe takes and fails.
 */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { withSystemSignals } from "../src/endSignals.ts"
import { CommandFailed, runCommand } from "../src/runCommand.ts"

const stuck = Effect.gen(function* () {
  yield* Effect.addFinalizer(() => Effect.never)
  // Something that keeps the process running, as sockets do.
  setInterval(() => {}, 1_000)
  yield* Console.log("ready")
  yield* Effect.never
}).pipe(Effect.scoped)

const compute = (): void => {
  console.log("ready")
  for (;;);
}

const failing = Effect.andThen(
  Console.log("x".repeat(999_999)),
  Effect.fail(new CommandFailed({ message: "something went wrong" })),
)

runCommand(
  Command.make("signalled").pipe(
    Command.withSubcommands([
      Command.make("stuck", {}, () => stuck),
      Command.make("computing", {}, () => Effect.sync(() => withSystemSignals(compute))),
      Command.make("failing", {}, () => failing),
    ]),
  ),
  { whenInterrupted: 0 },
)
