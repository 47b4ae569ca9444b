/**
 * The messages that two members of a topic exchange, as plain data. Names and fields are those of iroh-gossip 0.101
 * (`src/proto/hyparview.rs`, `src/proto/plumtree.rs`); their bytes are in codec/message.ts. A message is never altered: one object
 * may be queued for several peers.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { MessageId } from "./MessageId.ts"

/**
 * The name of a peer: its endpoint id on the network, any string in a simulation.
 *
 * @since 0.1.0
 * @category models
 */
export type PeerKey = string

/**
 * A peer and, if known, the opaque bytes that it sends about itself (its addresses, see codec/peerData.ts).
 *
 * @since 0.1.0
 * @category models
 */
export interface PeerInfo<P extends PeerKey = EndpointId.EndpointId> {
  readonly id: P
  readonly data: Uint8Array | undefined
}

/**
 * Asks the receiver to let the sender into the swarm.
 *
 * @since 0.1.0
 * @category models
 */
export interface Join {
  readonly _tag: "Join"
  readonly data: Uint8Array | undefined
}

/**
 * Introduces a new member along a random walk that ends when `ttl` (hops left, u16) reaches 0.
 *
 * @since 0.1.0
 * @category models
 */
export interface ForwardJoin<P extends PeerKey = EndpointId.EndpointId> {
  readonly _tag: "ForwardJoin"
  readonly peer: PeerInfo<P>
  readonly ttl: number
}

/**
 * Offers some contacts of `origin` along a random walk; the member at its end answers `origin` with its own contacts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Shuffle<P extends PeerKey = EndpointId.EndpointId> {
  readonly _tag: "Shuffle"
  readonly origin: P
  readonly nodes: ReadonlyArray<PeerInfo<P>>
  readonly ttl: number
}

/**
 * The contacts that answer a Shuffle, or that precede a Disconnect.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShuffleReply<P extends PeerKey = EndpointId.EndpointId> {
  readonly _tag: "ShuffleReply"
  readonly nodes: ReadonlyArray<PeerInfo<P>>
}

/**
 * A request to be neighbours, or the answer to one. The receiver may refuse it only when the priority is low.
 *
 * @since 0.1.0
 * @category models
 */
export interface Neighbor {
  readonly _tag: "Neighbor"
  readonly priority: "high" | "low"
  readonly data: Uint8Array | undefined
}

/**
 * The last message on a topic's stream. `alive`: the sender stays in the swarm and only gives up this connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface Disconnect {
  readonly _tag: "Disconnect"
  readonly alive: boolean
  /** Has no meaning; on the wire for compatibility. */
  readonly respond: boolean
}

/**
 * The way of a payload so far: `round` hops (u16) from its author, or straight from its author and not to be passed on.
 *
 * @since 0.1.0
 * @category models
 */
export type DeliveryScope = { readonly _tag: "Swarm"; readonly round: number } | { readonly _tag: "Neighbors" }

/**
 * A payload. `id` is the BLAKE3 hash of `content`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Gossip {
  readonly _tag: "Gossip"
  readonly id: MessageId
  readonly content: Uint8Array
  readonly scope: DeliveryScope
}

/**
 * Asks the receiver to send the sender no payloads, only their ids.
 *
 * @since 0.1.0
 * @category models
 */
export interface Prune {
  readonly _tag: "Prune"
}

/**
 * Asks the receiver to send payloads again, and the payload with this id, if there is one, at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Graft {
  readonly _tag: "Graft"
  readonly id: MessageId | undefined
  readonly round: number
}

/**
 * Names payloads that the sender has.
 *
 * @since 0.1.0
 * @category models
 */
export interface IHave {
  readonly _tag: "IHave"
  readonly messages: ReadonlyArray<IHaveEntry>
}

/**
 * A payload, and the hops after which it reached the sender.
 *
 * @since 0.1.0
 * @category models
 */
export interface IHaveEntry {
  readonly id: MessageId
  readonly round: number
}

/**
 * Messages of the membership protocol, HyParView.
 *
 * @since 0.1.0
 * @category models
 */
export type SwarmMessage<P extends PeerKey = EndpointId.EndpointId> =
  | Join
  | ForwardJoin<P>
  | Shuffle<P>
  | ShuffleReply<P>
  | Neighbor
  | Disconnect

/**
 * Messages of the broadcast protocol, PlumTree.
 *
 * @since 0.1.0
 * @category models
 */
export type GossipMessage = Gossip | Prune | Graft | IHave

/**
 * Any message of a topic.
 *
 * @since 0.1.0
 * @category models
 */
export type Message<P extends PeerKey = EndpointId.EndpointId> = SwarmMessage<P> | GossipMessage
