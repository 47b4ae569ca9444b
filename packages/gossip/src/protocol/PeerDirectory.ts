/**
 * The data that peers send about themselves and one another (their addresses), so that it can be passed on with their names.
 * Data is kept while its peer is in a view. Data about peers that are in no view is announced and soon forgotten.
 */
import * as Bytes from "@topic-tracker/common/Bytes"
import type { PeerInfo, PeerKey } from "./Message.ts"

export class PeerDirectory<P extends PeerKey> {
  private readonly data = new Map<P, Uint8Array>()
  /** The peers whose data came from themselves. */
  private readonly firstHand = new Set<P>()
  private readonly maxSize: number
  private readonly isKept: (peer: P) => boolean
  private readonly sweepAt: number
  private readonly announce: (peer: P, data: Uint8Array) => void

  /** `maxSize`: data of more bytes is announced, but not kept and not passed on. `sweepAt`: entries that start a clean-up. */
  constructor(options: {
    readonly maxSize: number
    readonly sweepAt: number
    readonly isKept: (peer: P) => boolean
    readonly announce: (peer: P, data: Uint8Array) => void
  }) {
    this.maxSize = options.maxSize
    this.sweepAt = options.sweepAt
    this.isKept = options.isKept
    this.announce = options.announce
  }

  /** The kept data, for checks of the state. */
  get known(): ReadonlyMap<P, Uint8Array> {
    return this.data
  }

  /** Keeps what the peer sends about itself, and announces it if it is new. */
  learn(peer: P, data: Uint8Array | undefined): void {
    if (data === undefined) return
    this.keep(peer, data)
    if (this.isKnown(peer, data)) this.firstHand.add(peer)
  }

  /** The same for what another peer sends about it, which does not replace the peer's own words (DEVIATIONS.md, "peer data"). */
  learnFromOther(peer: P, data: Uint8Array | undefined): void {
    if (data === undefined) return
    if (this.firstHand.has(peer)) {
      if (data.length > 0 && !this.isKnown(peer, data)) this.announce(peer, data)
      return
    }
    this.keep(peer, data)
  }

  info(peer: P): PeerInfo<P> {
    return { id: peer, data: this.data.get(peer) }
  }

  forget(peer: P): void {
    this.data.delete(peer)
    this.firstHand.delete(peer)
  }

  private keep(peer: P, data: Uint8Array): void {
    if (this.isKnown(peer, data)) return
    if (data.length > 0) this.announce(peer, data)
    if (data.length > this.maxSize) return
    this.data.set(peer, data)
    if (this.data.size >= this.sweepAt) for (const key of this.data.keys()) if (!this.isKept(key)) this.forget(key)
  }

  private isKnown(peer: P, data: Uint8Array): boolean {
    const known = this.data.get(peer)
    return known !== undefined && Bytes.equals(known, data)
  }
}
