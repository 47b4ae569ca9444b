/**
 * What can go wrong between a user and a topic. Trouble with the network is not here: a topic that cannot reach the DHT or a
 * peer goes on trying and says so in its account.
 */
import { Schema } from "effect"

/**
 * `reason`:
 * - `InvalidArgument`: an argument cannot be; the message names it and says what it may be.
 * - `MessageTooLarge`: the content does not fit into one gossip message; nothing was sent.
 * - `Timeout`: the operation took longer than the configuration allows it.
 * - `Suspended`: the topic is suspended; resume it first.
 * - `StartFailed`: a background worker could not start and its `failTopicCreationOn…` option makes that fatal.
 * - `Closed`: the topic was left, or the gossip service under it has closed.
 */
export class TopicError extends Schema.TaggedError<TopicError>()("TopicError", {
  reason: Schema.Literals(["InvalidArgument", "MessageTooLarge", "Timeout", "Suspended", "StartFailed", "Closed"]),
  message: Schema.String,
}) {}
