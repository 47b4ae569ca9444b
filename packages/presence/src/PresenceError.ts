import { Schema } from "effect"

/**
 * Presence could not begin, or a state could not be told. `reason`:
 * - `NotMembersOnly`: the topic is not members-only; join it with `access: "members"`.
 * - `AlreadyOpen`: this process has a presence in the topic already.
 * - `NotEncodable`: the state does not fit the schema. Nothing was sent.
 * - `StateTooLarge`: the encoded state has more than `maxStateBytes`. Nothing was sent.
 * - `InvalidArgument`: an option is invalid; the message names it.
 * - `Closed`: the topic was left or suspended; presence ends with its session.
 *
 * @since 0.1.0
 * @category errors
 */
export class PresenceError extends Schema.TaggedError<PresenceError>()("PresenceError", {
  reason: Schema.Literals([
    "NotMembersOnly",
    "AlreadyOpen",
    "NotEncodable",
    "StateTooLarge",
    "InvalidArgument",
    "Closed",
  ]),
  message: Schema.String,
}) {}
