/**
 * The errors of a topic's operations. Network trouble is not among them: a topic that cannot reach the DHT or a peer goes on trying
 * and reports it as an activity.
 */
import type { GossipError } from "@topic-tracker/gossip"
import { Schema } from "effect"
import type { InviteError } from "../invite/InviteError.ts"
import {
  Closed,
  InvalidArgument,
  InvalidInvite,
  MessageTooLarge,
  StartFailed,
  Suspended,
  Timeout,
  TopicErrorReason,
} from "./TopicErrorReason.ts"

/**
 * A topic operation failed. `reason` is one of:
 * - `InvalidArgument`: an argument is invalid; the message names it and the allowed values.
 * - `InvalidInvite`: the invitation cannot be read or has expired; nothing was sent.
 * - `MessageTooLarge`: the content does not fit into one gossip message; nothing was sent.
 * - `Timeout`: the operation took longer than the configuration allows.
 * - `Suspended`: the topic is suspended; resume it first.
 * - `StartFailed`: a worker could not start, and its `failTopicCreationOn…` option makes that fatal.
 * - `Closed`: the topic was left, or the gossip service below it is closed.
 *
 * @since 0.1.0
 * @category errors
 * @example
 * ```ts
 * topic.broadcast("hello").pipe(Effect.catchReason("TopicError", "Suspended", () => topic.resume))
 * ```
 */
export class TopicError extends Schema.TaggedError<TopicError>()("TopicError", { reason: TopicErrorReason }) {
  override get message(): string {
    return this.reason.message
  }
}

/** `expected` completes the sentence "… ; expected". */
export const invalidArgument = (argument: string, given: string, expected: string) =>
  refusedArgument(argument, `${argument}: ${given}; expected ${expected}`)

export const refusedArgument = (argument: string, message: string) =>
  new TopicError({ reason: new InvalidArgument({ argument, message }) })

export const invalidInvite = ({ message, reason }: InviteError) =>
  new TopicError({ reason: new InvalidInvite({ problem: reason, message }) })

export const topicTimedOut = (message: string) => new TopicError({ reason: new Timeout({ message }) })

export const workerStartFailed = (message: string) => new TopicError({ reason: new StartFailed({ message }) })

export const topicClosed = (message: string) => new TopicError({ reason: new Closed({ message }) })

export const topicSuspended = () =>
  new TopicError({ reason: new Suspended({ message: "the topic is suspended; resume it first" }) })

/** The error of a topic for an error of gossip. */
export const fromGossip = ({ reason, message }: GossipError): TopicError => {
  switch (reason) {
    case "InvalidArgument":
      return refusedArgument(message.split(":")[0] ?? "", message)
    case "MessageTooLarge":
      return new TopicError({ reason: new MessageTooLarge({ message }) })
    case "Bind":
    case "Closed":
      return topicClosed(message)
  }
}
