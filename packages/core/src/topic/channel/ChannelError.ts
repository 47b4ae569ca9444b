import { Schema } from "effect"

/**
 * A channel could not be opened, or a message not be published. `reason`:
 * - `NameInvalid`: the name is empty or has more than 64 bytes of UTF-8.
 * - `NotMembersOnly`: the topic is not members-only; join it with `access: "members"`.
 * - `NotEncodable`: the value does not fit the channel's schema. Nothing was sent.
 * - `MessageTooLarge`: the encoded value has more than 1 MiB. Nothing was sent.
 * - `Alone`: there is no neighbour, and the message was not to wait for one. Nothing was sent.
 * - `Closed`: the topic was left or suspended; a channel ends with its session.
 *
 * @since 0.1.0
 */
export class ChannelError extends Schema.TaggedError<ChannelError>()("ChannelError", {
  reason: Schema.Literals(["NameInvalid", "NotMembersOnly", "NotEncodable", "MessageTooLarge", "Alone", "Closed"]),
  message: Schema.String,
}) {}
