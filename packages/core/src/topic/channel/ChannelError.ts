import { Schema } from "effect"

/**
 * A channel could not be opened, or a message not be published. `reason`:
 * - `NameInvalid`: the name is empty or has more than 64 bytes of UTF-8.
 * - `NotMembersOnly`: the topic is not members-only; join it with `access: "members"`.
 * - `NotEncodable`: the value does not fit the channel's schema. Nothing was sent.
 * - `MessageTooLarge`: the encoded value has more than `maxContentBytes`, by default 1 MiB. Nothing was sent.
 * - `Alone`: there is no neighbour, and the message was not to wait for one. Nothing was sent.
 * - `NotAcknowledged`: fewer members than wanted acknowledged the message in time. It was sent.
 * - `InvalidArgument`: an option is invalid; the message names it, its value and the allowed values.
 * - `Suspended`: the topic is suspended; resume it first. Nothing was sent.
 * - `Closed`: the topic was left. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class ChannelError extends Schema.TaggedError<ChannelError>()("ChannelError", {
  reason: Schema.Literals([
    "NameInvalid",
    "NotMembersOnly",
    "NotEncodable",
    "MessageTooLarge",
    "Alone",
    "NotAcknowledged",
    "InvalidArgument",
    "Suspended",
    "Closed",
  ]),
  message: Schema.String,
}) {}
