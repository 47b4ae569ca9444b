/** The two ways in which a command of ours fails. `runCommand` prints the message and sets the exit code. */
import { Schema } from "effect"

/** A wrong argument that only shows while the command runs, such as a port in use. Exit code 2. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { message: Schema.String }) {}

/** The command ran and did not succeed, such as a demo in which a message did not arrive. Exit code 1. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", { message: Schema.String }) {}
