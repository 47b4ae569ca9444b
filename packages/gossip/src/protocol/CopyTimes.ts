/**
 * Measures how long messages take through the swarm, on our own clock alone and without a byte on the wire: a neighbour that announces or sends a
 * message which it did not get from us shows that the message has reached it. It watches a few messages at a time, not all.
 */
import type { LatencyHistogram } from "./LatencyHistogram.ts"
import type { PeerKey } from "./Message.ts"
import type * as MessageId from "./MessageId.ts"

/** Messages of a topic that are watched at a time. */
const MAX_WATCHED = 32
/** From one watched message to the next, of ours and of others, in ms: a flood costs no more than a trickle. */
const EVERY_MS = 20
/** A message that no other copy follows is given up after this time, in ms. */
const GIVE_UP_MS = 10_000

/** The times that all topics of a node measure together. */
export interface CopyLatencies {
  /**
   * From a broadcast of ours to the first neighbour that shows that it has the message from another node: the way through the swarm and back. A
   * neighbour gathers announcements for some ms before it sends them. Without a second way between us and that neighbour there is none.
   */
  readonly echo: LatencyHistogram
  /** From the first copy of a message of others to the first announcement or copy by another neighbour: how much later the second way is. */
  readonly secondCopy: LatencyHistogram
}

interface Watched<P> {
  readonly at: number
  /** The neighbour that brought the message; undefined if it is ours. */
  readonly from: P | undefined
}

export class CopyTimes<P extends PeerKey> {
  readonly #latencies: CopyLatencies
  /** The oldest first. Made with the first message: most topics of a node with many are silent. */
  #watched: Map<MessageId.MessageId, Watched<P>> | undefined
  #lastOwn = Number.NEGATIVE_INFINITY
  #lastOther = Number.NEGATIVE_INFINITY

  constructor(latencies: CopyLatencies) {
    this.#latencies = latencies
  }

  /** The number of messages that are watched, for tests. */
  get size(): number {
    return this.#watched?.size ?? 0
  }

  /** The first copy of a message is here. `from`: undefined if it is ours. */
  first(id: MessageId.MessageId, from: P | undefined, now: number): void {
    if (now - (from === undefined ? this.#lastOwn : this.#lastOther) < EVERY_MS) return
    this.#watched ??= new Map()
    if (this.#watched.size >= MAX_WATCHED) {
      const [oldest, { at }] = this.#watched.entries().next().value!
      if (now - at < GIVE_UP_MS) return
      this.#watched.delete(oldest)
    }
    if (from === undefined) this.#lastOwn = now
    else this.#lastOther = now
    this.#watched.set(id, { at: now, from })
  }

  /** A neighbour announces or sends a message that was here before. */
  again(id: MessageId.MessageId, peer: P, now: number): void {
    if (this.#watched === undefined || this.#watched.size === 0) return
    const watched = this.#watched.get(id)
    if (watched === undefined || watched.from === peer) return
    this.#watched.delete(id)
    const took = now - watched.at
    if (took >= GIVE_UP_MS) return
    if (watched.from === undefined) this.#latencies.echo.add(took)
    else this.#latencies.secondCopy.add(took)
  }
}
