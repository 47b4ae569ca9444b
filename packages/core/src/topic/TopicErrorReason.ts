/** The reasons of a TopicError, for `Effect.catchReason`. The message of each names the remedy. */
import { Schema } from "effect"
import { InviteError } from "../invite/InviteError.ts"

const message = { message: Schema.String }

/**
 * An argument is invalid. The message names it and the expected values.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", {
  /** The argument's name, such as "secret". */
  argument: Schema.String,
  ...message,
}) {}

/**
 * The invitation cannot be used; nothing was sent. No message quotes its text.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidInvite extends Schema.TaggedError<InvalidInvite>()("InvalidInvite", {
  /** As the reasons of an `InviteError`. */
  problem: InviteError.fields.reason,
  ...message,
}) {}

/**
 * The content does not fit into one gossip message. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class MessageTooLarge extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", message) {}

/**
 * The operation took longer than the configuration allows.
 *
 * @since 0.1.0
 * @category errors
 */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", message) {}

/**
 * The topic is suspended.
 *
 * @since 0.1.0
 * @category errors
 */
export class Suspended extends Schema.TaggedError<Suspended>()("Suspended", message) {}

/**
 * A worker could not start, and its option `failTopicCreationOn…` makes that fatal.
 *
 * @since 0.1.0
 * @category errors
 */
export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", message) {}

/**
 * The topic was left, or the gossip service below it is closed.
 *
 * @since 0.1.0
 * @category errors
 */
export class Closed extends Schema.TaggedError<Closed>()("Closed", message) {}

/**
 * The Schema of every reason.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TopicErrorReason = Schema.Union([
  InvalidArgument,
  InvalidInvite,
  MessageTooLarge,
  Timeout,
  Suspended,
  StartFailed,
  Closed,
])

/**
 * Any reason of a TopicError.
 *
 * @since 0.1.0
 * @category errors
 */
export type TopicErrorReason = typeof TopicErrorReason.Type
