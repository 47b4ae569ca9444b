/** The one error of the DHT service: the reason of a failed call or layer, and a message that names what to correct. */
import { Schema } from "effect"

/**
 * - `NoNodes`: no node to ask: no bootstrap node answered and the routing table is empty.
 * - `Timeout`: nodes were asked, and none answered in time, or only with errors that do not concern the item.
 * - `Rejected`: no node stored the item, and nodes refused it (BEP 44 errors 205 to 207, 301, 302).
 * - `InvalidArgument`: a mistake of the caller; the message names the argument.
 * - `Bind`: the UDP socket was not bound; the message names the port.
 * - `Closed`: the layer's scope has ended.
 *
 * @since 0.1.0
 * @category errors
 */
export class DhtError extends Schema.TaggedError<DhtError>()("DhtError", {
  reason: Schema.Literals(["NoNodes", "Timeout", "Rejected", "InvalidArgument", "Bind", "Closed"]),
  message: Schema.String,
}) {}
