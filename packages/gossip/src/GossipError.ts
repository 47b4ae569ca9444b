/** What can go wrong with gossip as its user sees it. */
import { Schema } from "effect"

/**
 * `reason`:
 * - `MessageTooLarge`: the content does not fit into one message; nothing was sent.
 * - `Closed`: the topic was left, or the service has closed.
 * - `Bind`: the endpoint could not be bound, or iroh's binding not be loaded.
 * - `InvalidArgument`: an option or argument cannot be; the message names it and says what it may be.
 */
export class GossipError extends Schema.TaggedError<GossipError>()("GossipError", {
  reason: Schema.Literals(["MessageTooLarge", "Closed", "Bind", "InvalidArgument"]),
  message: Schema.String,
}) {}
