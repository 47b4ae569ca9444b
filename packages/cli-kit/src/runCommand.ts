/**
 * Runs a command of effect/cli as a program: `--help`, one line on standard error for a wrong argument, logs on standard error,
 * and exit codes (0 success, 1 failure, 2 wrong arguments). SIGINT and SIGTERM close the command's scope before the process ends; a
 * second one ends it at once.
 */
// Imported module by module: the package as a whole loads much that no command needs, and every command would start later.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Logger } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import { completions } from "./completions.ts"
import { INTERRUPTED, watchSignals } from "./endSignals.ts"
import { UsageError } from "./errors.ts"
import { fitLines } from "./fitLines.ts"
import { inOneLine, oneLine } from "./parserErrors.ts"

export { CommandFailed, UsageError } from "./errors.ts"

const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation" && event.errors[0] !== undefined
      ? Console.error(oneLine(event.errors[0], event.helpDoc))
      : CliOutput.defaultPresenter.present(event),
}

/** All packages have one version. A test compares it with package.json. */
const VERSION = "0.1.0"

const formatter = CliOutput.defaultFormatter()

const layer = Layer.mergeAll(
  NodeServices.layer,
  CliOutput.layerPresenter(presenter),
  CliOutput.layer({ ...formatter, formatHelpDoc: (help) => fitLines(formatter.formatHelpDoc(help)) }),
  // Standard output is for results only.
  Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]),
)

/**
 * Runs the command with the process's arguments and ends the process with the exit code of the outcome. `whenInterrupted` is the
 * exit code after SIGINT or SIGTERM: 130, or 0 for a command that runs until it is interrupted. `installed`: a program of its own, which
 * has a version and completions.
 */
export const runCommand = <const Name extends string, Input, ContextInput, E>(
  command: Command.Command<Name, Input, ContextInput, E, NodeServices.NodeServices>,
  options?: { readonly whenInterrupted?: number; readonly installed?: boolean },
): void => {
  const builtIns = options?.installed
    ? [GlobalFlag.Help, GlobalFlag.Version, completions, GlobalFlag.LogLevel]
    : [GlobalFlag.Help, GlobalFlag.LogLevel]
  const program = Command.run(command, { version: VERSION }).pipe(
    Effect.tapError((error) => (error instanceof CliError.ShowHelp ? Effect.void : Console.error(messageOf(error)))),
    Effect.provide(Layer.merge(layer, CliConfig.layer({ builtIns }))),
    Effect.raceFirst(outputClosed),
  )
  const whenInterrupted = options?.whenInterrupted ?? INTERRUPTED
  const { wasSignalled } = watchSignals(whenInterrupted)
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    // Ctrl-C reaches the processes of a command too, so that the command may fail and not only be interrupted.
    teardown: (exit, onExit) => {
      const code = wasSignalled() && Exit.isFailure(exit) ? whenInterrupted : exitCode(exit, whenInterrupted)
      // A pipe takes some 64 KB at a time; what waits for a slow reader would be lost when the process ends.
      afterWrites(process.stdout, () => afterWrites(process.stderr, () => onExit(code)))
    },
  })
}

/** Runs this when all that was written has gone out, or cannot. */
const afterWrites = (stream: NodeJS.WriteStream, run: () => void): void => {
  if (stream.writableLength === 0 || stream.destroyed) run()
  else stream.write("", run)
}

/** Interrupts the command when the reader of its output is gone, as `head` is after its lines. */
const outputClosed = Effect.callback<never>((resume) => {
  process.stdout.on("error", () => resume(Effect.interrupt))
  // Without a reader of its logs the command goes on.
  process.stderr.on("error", () => {})
})

const exitCode = (exit: Exit.Exit<unknown, unknown>, whenInterrupted: number): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return whenInterrupted
  const error = Cause.squash(exit.cause)
  // The help that nobody asked for: a word is wrong, or the name of a subcommand is missing.
  return error instanceof UsageError || error instanceof CliError.ShowHelp ? 2 : 1
}

const messageOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  // Some messages, such as those about the contents of a file, have several lines.
  return error instanceof UsageError ? inOneLine(message) : message
}
