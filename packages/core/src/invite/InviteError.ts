import { Schema } from "effect"

/**
 * An invitation could not be made or read. No message quotes the text. `reason`:
 * - `NotAnInvite`: the text does not begin with `tt1`, or has characters or a length that no invitation has.
 * - `Version`: a later version of this library made it.
 * - `Checksum`: a character is wrong.
 * - `Expired`: its time is over.
 * - `Invalid`: its content, or an argument of `make`, is outside of its limits.
 *
 * @since 0.1.0
 * @category errors
 */
export class InviteError extends Schema.TaggedError<InviteError>()("InviteError", {
  reason: Schema.Literals(["NotAnInvite", "Version", "Checksum", "Expired", "Invalid"]),
  message: Schema.String,
}) {}
