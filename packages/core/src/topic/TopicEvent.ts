/**
 * What a topic tells its subscribers: neighbours that come and go, and messages. Every subscriber gets every event.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { BroadcastScope, NeighborDownReason } from "@topic-tracker/gossip"

/** What a topic tells its subscribers. */
export type TopicEvent =
  | { readonly _tag: "NeighborUp"; readonly peer: EndpointId.EndpointId }
  /**
   * The peer is no longer a neighbour. `reason`: `left`, it leaves the topic, or this node suspended it; `replaced`, one of the two
   * gave its place to another peer; `lost`, its connection closed and no Disconnect had come from it.
   */
  | { readonly _tag: "NeighborDown"; readonly peer: EndpointId.EndpointId; readonly reason: NeighborDownReason }
  | Message
  /** This subscriber was too slow: so many of the oldest events were dropped. */
  | { readonly _tag: "Lagged"; readonly skipped: number }

const strictUtf8 = new TextDecoder("utf-8", { fatal: true })

/** A message that somebody in the topic broadcast. */
export class Message {
  readonly _tag = "Message"
  readonly content: Uint8Array
  /** The neighbour that handed it to us; not, in general, its author. */
  readonly from: EndpointId.EndpointId
  readonly scope: BroadcastScope
  /** Hops from the author; 0 for a message from the author itself. */
  readonly round: number

  constructor(content: Uint8Array, from: EndpointId.EndpointId, scope: BroadcastScope, round: number) {
    this.content = content
    this.from = from
    this.scope = scope
    this.round = round
  }

  /** The content as text; undefined when it is not UTF-8. Decoded at each access. */
  get text(): string | undefined {
    try {
      return strictUtf8.decode(this.content)
    } catch {
      return undefined
    }
  }
}
