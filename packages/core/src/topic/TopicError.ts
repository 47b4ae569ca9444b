/**
 * The errors of a topic's operations. Network trouble is not among them: a topic that cannot reach the DHT or a peer goes on trying
 * and reports it as an activity.
 */
import type { GossipError } from "@topic-tracker/gossip"
import { Schema } from "effect"

/**
 * A topic operation failed. `reason`:
 * - `InvalidArgument`: an argument is invalid; the message names it and the allowed values.
 * - `MessageTooLarge`: the content does not fit into one gossip message; nothing was sent.
 * - `Timeout`: the operation took longer than the configuration allows.
 * - `Suspended`: the topic is suspended; resume it first.
 * - `StartFailed`: a worker could not start, and its `failTopicCreationOn…` option makes that fatal.
 * - `Closed`: the topic was left, or the gossip service below it is closed.
 *
 * @since 0.1.0
 */
export class TopicError extends Schema.TaggedError<TopicError>()("TopicError", {
  reason: Schema.Literals(["InvalidArgument", "MessageTooLarge", "Timeout", "Suspended", "StartFailed", "Closed"]),
  message: Schema.String,
}) {}

export const topicClosed = (message: string) => new TopicError({ reason: "Closed", message })

export const topicSuspended = () =>
  new TopicError({ reason: "Suspended", message: "the topic is suspended; resume it first" })

/** What a gossip error means for the user of a topic. */
export const fromGossip = ({ reason, message }: GossipError): TopicError => {
  switch (reason) {
    case "InvalidArgument":
    case "MessageTooLarge":
      return new TopicError({ reason, message })
    case "Bind":
    case "Closed":
      return topicClosed(message)
  }
}
