/** The events of a topic: neighbours that come and go, and messages. Every subscriber gets every event. */
import type { EndpointId } from "@topic-tracker/crypto"
import type { BroadcastScope, NeighborDownReason } from "@topic-tracker/gossip"

/**
 * An event of a topic.
 *
 * @since 0.1.0
 * @category models
 */
export type TopicEvent =
  | { readonly _tag: "NeighborUp"; readonly peer: EndpointId.EndpointId }
  /**
   * The peer is no longer a neighbour. `reason`: `left`, it leaves the topic, or this node suspended it; `replaced`, one of the two
   * gave its place to another peer; `lost`, its connection closed and no Disconnect had come from it.
   */
  | { readonly _tag: "NeighborDown"; readonly peer: EndpointId.EndpointId; readonly reason: NeighborDownReason }
  | Message
  /** This subscriber was too slow: its `skipped` oldest events were dropped. */
  | { readonly _tag: "Lagged"; readonly skipped: number }

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true })

/**
 * A message of another node in the topic.
 *
 * @since 0.1.0
 * @category models
 */
export class Message {
  readonly _tag = "Message"
  /** Each subscriber has its own copy. */
  readonly content: Uint8Array
  /** The neighbour that delivered the message: the last hop. In general it is not the author. */
  readonly deliveredFrom: EndpointId.EndpointId
  readonly scope: BroadcastScope
  /** Hops from the author; 0 for a message that comes from the author itself. */
  readonly round: number

  constructor(content: Uint8Array, deliveredFrom: EndpointId.EndpointId, scope: BroadcastScope, round: number) {
    this.content = content
    this.deliveredFrom = deliveredFrom
    this.scope = scope
    this.round = round
  }

  /** The same message with bytes of its own: a subscriber that changes its content does not affect the others. */
  copy(): Message {
    return new Message(this.content.slice(), this.deliveredFrom, this.scope, this.round)
  }

  /** The content as text; undefined if it is not UTF-8. Decoded on every access. */
  get text(): string | undefined {
    try {
      return STRICT_UTF8.decode(this.content)
    } catch {
      return undefined
    }
  }
}
