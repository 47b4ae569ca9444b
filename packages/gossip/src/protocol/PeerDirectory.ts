/**
 * The data that peers send about themselves and one another (their addresses), so that it can be passed on with their names.
 * Data is kept while its peer is in a view. Data about peers that are in no view is announced and soon forgotten.
 */
import * as Bytes from "@topic-tracker/common/Bytes"
import type { PeerInfo, PeerKey } from "./Message.ts"

export class PeerDirectory<P extends PeerKey> {
  private readonly data = new Map<P, Uint8Array>()
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

  /** The kept data, for tests. */
  get known(): ReadonlyMap<P, Uint8Array> {
    return this.data
  }

  /** Keeps the data, and announces it if it is new. */
  learn(peer: P, data: Uint8Array | undefined): void {
    if (data === undefined) return
    const known = this.data.get(peer)
    if (known !== undefined && Bytes.equals(known, data)) return
    if (data.length > 0) this.announce(peer, data)
    if (data.length > this.maxSize) return
    this.data.set(peer, data)
    if (this.data.size >= this.sweepAt) for (const key of this.data.keys()) if (!this.isKept(key)) this.data.delete(key)
  }

  info(peer: P): PeerInfo<P> {
    return { id: peer, data: this.data.get(peer) }
  }

  forget(peer: P): void {
    this.data.delete(peer)
  }
}
