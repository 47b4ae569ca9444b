/**
 * What peers tell about themselves and one another (their addresses), so that it can be passed on with their names. Kept for
 * as long as a peer is in a view; what others claim about peers that we do not know is announced and forgotten.
 */
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

  get size(): number {
    return this.data.size
  }

  /** Takes note of what was told, and announces it when it is news. */
  learn(peer: P, data: Uint8Array | undefined): void {
    if (data === undefined) return
    const known = this.data.get(peer)
    if (known !== undefined && sameBytes(known, data)) return
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

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
