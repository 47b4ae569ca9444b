import type { NeighborDownReason, Timer } from "./Event.ts"
import type { Message, PeerKey } from "./Message.ts"
import type { Rng } from "./Rng.ts"
import type { TopicStats } from "./Stats.ts"

/** A timer before its topic is written on it. */
export type TopicTimer<P extends PeerKey> = WithoutTopic<Timer<P>>
type WithoutTopic<T> = T extends unknown ? Omit<T, "topic" | "epoch"> : never

/** What HyParView and PlumTree of one topic can have done, and what they share. */
export interface TopicIo<P extends PeerKey> {
  readonly me: P
  readonly rng: Rng
  readonly stats: TopicStats
  readonly send: (to: P, message: Message<P>) => void
  readonly neighborUp: (peer: P) => void
  readonly neighborDown: (peer: P, reason: NeighborDownReason) => void
  readonly schedule: (delayMs: number, timer: TopicTimer<P>) => void
  /** This topic has no more use for the connection to the peer. */
  readonly disconnect: (peer: P) => void
  readonly peerData: (peer: P, data: Uint8Array) => void
}
