/** The one error of the DHT service: why a call or the layer failed, and what would be right. */
import { Schema } from "effect"

/**
 * - `NoNodes`: nobody to ask: no bootstrap node answered and the routing table is empty.
 * - `Timeout`: nodes were asked and none answered in time, or with more than an error that says nothing of the item.
 * - `Rejected`: nobody stored the item, and nodes refused it (BEP 44 errors 205 to 207, 301, 302).
 * - `InvalidArgument`: the caller's mistake; the message names the argument.
 * - `Bind`: the UDP socket could not be bound; the message names the port.
 * - `Closed`: the layer's scope has ended.
 */
export class DhtError extends Schema.TaggedError<DhtError>()("DhtError", {
  reason: Schema.Literals(["NoNodes", "Timeout", "Rejected", "InvalidArgument", "Bind", "Closed"]),
  message: Schema.String,
}) {}
