/** What keeps a test from running or passing: the message is the whole of what a reader needs to act on it. */
import { Schema } from "effect"

export class InteropError extends Schema.TaggedError<InteropError>()("InteropError", { message: Schema.String }) {}
