/**
 * The peers of BEP 5 that others announced to us, bounded for each info hash and host. It takes the place of bittorrent-dht's own
 * store, which shuffles all peers of a hash for each answer. It knows no message; times are given by a clock in ms.
 */
import { bytesKey, isPrivate, type ReachOf } from "../krpc/nodeId.ts"

/** As mainline (Rust) bounds them. */
const MAX_HASHES = 2_000
const MAX_PEERS_PER_HASH = 500

/** A public host may run several programs; on a private one there may be many nodes. */
const MAX_PEERS_PER_HOST = 20

/** The peers in one answer, in any order: more would not fit one unfragmented datagram. */
const MAX_NAMED_PEERS = 100

/** Announced peers are forgotten after this time; clients announce again every 15 to 30 minutes. */
const MAX_AGE_MS = 45 * 60_000

interface Peer {
  /** The address and port (BEP 5), 6 bytes. */
  readonly compact: Uint8Array
  /** {@link compact} as text: the key. */
  readonly name: string
  readonly ip: number
  readonly at: number
  /** The position among the peers of the hash. */
  index: number
}

/** The peers of one hash: by name in the order of the last announcement, and in any order, for drawing. */
interface Swarm {
  readonly byName: Map<string, Peer>
  readonly drawn: Array<Peer>
}

export interface PeerStoreOptions {
  /** Peers over all hashes. */
  readonly maxPeers: number
  /** Monotonic, in ms. */
  readonly now: () => number
  /** From 0 up to but not including 1. */
  readonly random: () => number
  /** See `HostRules`. */
  readonly reachOf?: ReachOf | undefined
}

export class PeerStore {
  /** In the order of the last announcement. */
  readonly #hashes = new Map<string, Swarm>()
  readonly #options: PeerStoreOptions
  #size = 0

  constructor(options: PeerStoreOptions) {
    this.#options = options
  }

  /** Stored peers. */
  get size(): number {
    return this.#size
  }

  /** Adds a peer under a hash, or renews it. If there is no room, the oldest of the host, of the hash, or of all make room. */
  add(hash: string, compact: Uint8Array): void {
    const swarm = this.#hashes.get(hash) ?? { byName: new Map<string, Peer>(), drawn: [] }
    this.#hashes.delete(hash)
    this.#hashes.set(hash, swarm)
    const name = bytesKey(compact)
    const ip = new DataView(compact.buffer, compact.byteOffset).getUint32(0)
    this.#remove(swarm, swarm.byName.get(name))
    this.#makeRoom(swarm, ip)
    const peer: Peer = { compact, name, ip, at: this.#options.now(), index: swarm.drawn.length }
    swarm.byName.set(name, peer)
    swarm.drawn.push(peer)
    this.#size++
    while (this.#hashes.size > MAX_HASHES || this.#size > this.#options.maxPeers) this.#dropOldest()
  }

  #makeRoom(swarm: Swarm, ip: number): void {
    if (swarm.drawn.length >= MAX_PEERS_PER_HASH) this.#removeOldest(swarm)
    if (isPrivate(ip, this.#options.reachOf)) return
    let oldest: Peer | undefined
    let count = 0
    for (const peer of swarm.byName.values()) {
      if (peer.ip !== ip) continue
      oldest ??= peer
      count++
    }
    if (count >= MAX_PEERS_PER_HOST) this.#remove(swarm, oldest)
  }

  #removeOldest(swarm: Swarm): void {
    this.#remove(swarm, swarm.byName.values().next().value)
  }

  #remove({ byName, drawn }: Swarm, peer: Peer | undefined): void {
    if (peer === undefined) return
    byName.delete(peer.name)
    const last = drawn.pop()!
    if (last !== peer) {
      drawn[peer.index] = last
      last.index = peer.index
    }
    this.#size--
  }

  /** Drops the hash announced the longest time ago; of the only one, its oldest peer. */
  #dropOldest(): void {
    const [oldest] = this.#hashes
    const [hash, swarm] = oldest!
    if (this.#hashes.size === 1) {
      this.#removeOldest(swarm)
      return
    }
    this.#size -= swarm.drawn.length
    this.#hashes.delete(hash)
  }

  /** A random sample of the peers of a hash. It looks at no more peers than it returns, and at those that are too old. */
  get(hash: string): Array<Uint8Array> {
    const swarm = this.#hashes.get(hash)
    if (swarm === undefined) return []
    const { drawn } = swarm
    const { now, random } = this.#options
    const since = now() - MAX_AGE_MS
    const sample: Array<Uint8Array> = []
    while (sample.length < Math.min(MAX_NAMED_PEERS, drawn.length)) {
      const i = sample.length
      const j = i + Math.floor(random() * (drawn.length - i))
      const peer = drawn[j]!
      if (peer.at < since) {
        this.#remove(swarm, peer)
        continue
      }
      // The sample is the front of the list.
      const other = drawn[i]!
      drawn[j] = other
      other.index = j
      drawn[i] = peer
      peer.index = i
      sample.push(peer.compact)
    }
    if (drawn.length === 0) this.#hashes.delete(hash)
    return sample
  }
}
