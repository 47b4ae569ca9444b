/**
 * What can go wrong with a box. Neither error carries key material.
 */
import { Schema } from "effect"

/** A box could not be made: the recipient's key is no usable point of the curve. */
export class SealError extends Schema.TaggedError<SealError>()("SealError", { message: Schema.String }) {}

/** A box could not be opened: malformed, altered, or sealed for another key. Says which, never any key material. */
export class OpenError extends Schema.TaggedError<OpenError>()("OpenError", { message: Schema.String }) {}
