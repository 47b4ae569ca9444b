/** The reason why a test cannot run or fails. The message has everything that a reader needs to act on it. */
import { Schema } from "effect"

export class InteropError extends Schema.TaggedError<InteropError>()("InteropError", { message: Schema.String }) {}
