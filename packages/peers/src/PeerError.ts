import { Schema } from "effect"

/**
 * A stream to a peer was not opened, or a call could not be made. The message names the peer by the first 8 characters of its id. `reason`:
 * - `UnknownMember`: the peer is no endpoint id.
 * - `NotInTopic`: the peer does not take part in this topic, or has another secret.
 * - `NotAMember`: one side could not prove to the other that it is a member.
 * - `Refused`: the peer's `allow` does not admit this node, or its program gave none.
 * - `NotServed`: the peer does not serve the protocol.
 * - `Unreachable`: no connection to the peer; the message has the reason.
 * - `TooManyStreams`: the peer takes no more streams of this node at the moment.
 * - `TooLarge`: a request or its result is larger than allowed.
 * - `TimedOut`: not done in time; the message says what was missing.
 * - `Left`: the topic was left or suspended meanwhile, or the peer left.
 * - `Closed`: the topic was left or suspended before.
 * - `InvalidArgument`: the message names the argument and the allowed values.
 *
 * @since 0.1.0
 * @category errors
 */
export class PeerError extends Schema.TaggedError<PeerError>()("PeerError", {
  reason: Schema.Literals([
    "UnknownMember",
    "NotInTopic",
    "NotAMember",
    "Refused",
    "NotServed",
    "Unreachable",
    "TooManyStreams",
    "TooLarge",
    "TimedOut",
    "Left",
    "Closed",
    "InvalidArgument",
  ]),
  /** The endpoint id of the peer, if there is one. */
  peer: Schema.optionalKey(Schema.String),
  protocol: Schema.optionalKey(Schema.String),
  message: Schema.String,
}) {}

/**
 * The reason of a {@link PeerError}.
 *
 * @since 0.1.0
 * @category errors
 */
export type PeerErrorReason = PeerError["reason"]
