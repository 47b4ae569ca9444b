/**
 * How each of our commands runs as a program: `--help`, one line on standard error for a wrong argument, and the exit code
 * (0 done, 1 it could not be done, 2 the user's arguments are wrong). Signals close the command's scope before it ends.
 */
// Module by module: the package as a whole loads much that no command needs, and every command would start later.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Logger, Option, Schema } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag, type HelpDoc } from "effect/cli"
import { fitLines } from "./fitLines.ts"

/** A wrong argument that only shows once the program runs, such as a port in use. Ends with exit code 2. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { message: Schema.String }) {}

/** The command ran and did not reach its end, such as a demo in which a message was not heard. Ends with exit code 1. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", { message: Schema.String }) {}

/** The first of the parser's errors as one line that names the argument and says what it may be. */
const oneLine = (error: CliError.CliError, help: HelpDoc.HelpDoc): string => {
  const missing = (what: string, option: string): string => {
    const flag = help.flags.find(({ name }) => name === option)
    const description = flag === undefined ? Option.none() : flag.description
    return Option.isNone(description) ? `${what} is missing` : `${what} is missing: ${description.value}`
  }
  if (error instanceof CliError.MissingOption) return missing(`--${error.option}`, error.option)
  if (error instanceof CliError.MissingArgument) {
    const description = Option.fromUndefinedOr(help.args?.find(({ name }) => name === error.argument)).pipe(
      Option.flatMap((argument) => argument.description),
    )
    return `${error.argument} is missing${Option.isSome(description) ? `: ${description.value}` : ""}`
  }
  if (error instanceof CliError.UnexpectedArgument) {
    const known = [...(help.args ?? []).map(({ name }) => name), ...help.flags.map(({ name }) => `--${name}`)].join(
      ", ",
    )
    return `${JSON.stringify(error.arguments[0])} is one argument too many; this command has ${known === "" ? "none" : known}`
  }
  if (error instanceof CliError.InvalidValue) {
    const expected = error.expected.replace(/^(Schema validation failed: )?(Expected:? )?/, "")
    const name = error.kind === "flag" ? `--${error.option}` : error.option
    if (expected === "at most 1 value") return `${name} is given more than once; it may be given once`
    // An option at the end of the line. Where an empty text was given, the parser tells what it should have been in more than a word.
    if (error.value === "" && !expected.includes(" ")) return missing(`the value of ${name}`, error.option)
    // A path that isn't there is told as such; of any other value the parser tells what it should have been.
    return expected.startsWith("Path ")
      ? `${name}: ${expected.slice(5)}`
      : `${name}: ${JSON.stringify(error.value)} is not ${expected}`
  }
  if (error instanceof CliError.UnrecognizedOption) {
    const known = help.flags.map((flag) => `--${flag.name}`).join(", ")
    return `${error.option} is no option of this command; it has ${known === "" ? "none" : known}`
  }
  return inOneLine(error.message)
}

const inOneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, " ")

const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation" && event.errors[0] !== undefined
      ? Console.error(oneLine(event.errors[0], event.helpDoc))
      : CliOutput.defaultPresenter.present(event),
}

const formatter = CliOutput.defaultFormatter()

const layer = Layer.mergeAll(
  NodeServices.layer,
  CliOutput.layerPresenter(presenter),
  CliOutput.layer({ ...formatter, formatHelpDoc: (help) => fitLines(formatter.formatHelpDoc(help)) }),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.LogLevel] }),
  // Logs go to standard error, so that standard output holds results only.
  Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]),
)

/**
 * Runs the command with the process's arguments, and ends the process with the exit code that belongs to its outcome.
 * `whenInterrupted` is the exit code after SIGINT or SIGTERM: 130 unless the command is one that runs until it is told to end.
 */
export const runCommand = <const Name extends string, Input, ContextInput, E>(
  command: Command.Command<Name, Input, ContextInput, E, NodeServices.NodeServices>,
  options?: { readonly whenInterrupted?: number },
): void => {
  const program = Command.run(command, { version: "0.1.0" }).pipe(
    Effect.tapError((error) => (error instanceof CliError.ShowHelp ? Effect.void : Console.error(messageOf(error)))),
    Effect.provide(layer),
    Effect.raceFirst(outputGone),
  )
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(exitCode(exit, options?.whenInterrupted ?? 130)),
  })
}

/** Interrupts the command when whoever read its output is gone, as `head` is after its lines: there is nothing more to tell. */
const outputGone = Effect.callback<never>((resume) => {
  process.stdout.on("error", () => resume(Effect.interrupt))
  // Where logs cannot be told, the command goes on.
  process.stderr.on("error", () => {})
})

const exitCode = (exit: Exit.Exit<unknown, unknown>, whenInterrupted: number): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return whenInterrupted
  const error = Cause.squash(exit.cause)
  return error instanceof UsageError || (error instanceof CliError.ShowHelp && error.errors.length > 0) ? 2 : 1
}

const messageOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  // The message of what was found wrong in a file, for one, has more lines than that one.
  return error instanceof UsageError ? inOneLine(message) : message
}
