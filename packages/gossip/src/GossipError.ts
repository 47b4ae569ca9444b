/** What can go wrong with gossip as its user sees it. */
import { Schema } from "effect"

export class GossipError extends Schema.TaggedError<GossipError>()("GossipError", {
  reason: Schema.Literals(["MessageTooLarge", "Closed", "Bind", "InvalidArgument"]),
  message: Schema.String,
}) {}
