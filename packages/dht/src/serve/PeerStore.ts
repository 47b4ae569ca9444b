/**
 * The peers of BEP 5 that others announced to us, bounded for each info hash and host. It takes the place of bittorrent-dht's own
 * store, which shuffles all peers of a hash for each answer. It knows no message; times are given by a clock in ms.
 */
import { isPrivate, type ReachOf } from "../krpc/nodeId.ts"

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
  readonly ip: number
  readonly at: number
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
  /** Peers by their bytes, for each hash. Both are in the order of the last announcement. */
  readonly #hashes = new Map<string, Map<string, Peer>>()
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
    const peers = this.#hashes.get(hash) ?? new Map<string, Peer>()
    this.#hashes.delete(hash)
    this.#hashes.set(hash, peers)
    const name = latin1(compact)
    const ip = new DataView(compact.buffer, compact.byteOffset).getUint32(0)
    this.#remove(peers, name)
    this.#makeRoom(peers, ip)
    peers.set(name, { compact, ip, at: this.#options.now() })
    this.#size++
    while (this.#hashes.size > MAX_HASHES || this.#size > this.#options.maxPeers) this.#dropOldest()
  }

  #makeRoom(peers: Map<string, Peer>, ip: number): void {
    if (peers.size >= MAX_PEERS_PER_HASH) this.#remove(peers, peers.keys().next().value!)
    if (isPrivate(ip, this.#options.reachOf)) return
    const ofHost: Array<string> = []
    for (const [name, peer] of peers) if (peer.ip === ip) ofHost.push(name)
    if (ofHost.length >= MAX_PEERS_PER_HOST) this.#remove(peers, ofHost[0]!)
  }

  #remove(peers: Map<string, Peer>, name: string): void {
    if (peers.delete(name)) this.#size--
  }

  /** Drops the hash announced the longest time ago; of the only one, its oldest peer. */
  #dropOldest(): void {
    const [oldest] = this.#hashes
    const [hash, peers] = oldest!
    if (this.#hashes.size === 1) {
      this.#remove(peers, peers.keys().next().value!)
      return
    }
    this.#size -= peers.size
    this.#hashes.delete(hash)
  }

  /** A random sample of the peers of a hash. */
  get(hash: string): Array<Uint8Array> {
    const peers = this.#hashes.get(hash)
    if (peers === undefined) return []
    const since = this.#options.now() - MAX_AGE_MS
    const fresh: Array<Uint8Array> = []
    for (const [name, { at, compact }] of peers) {
      if (at >= since) fresh.push(compact)
      else this.#remove(peers, name)
    }
    if (peers.size === 0) this.#hashes.delete(hash)
    return this.#sample(fresh)
  }

  #sample(peers: Array<Uint8Array>): Array<Uint8Array> {
    const count = Math.min(MAX_NAMED_PEERS, peers.length)
    for (let i = 0; i < count; i++) {
      const j = i + Math.floor(this.#options.random() * (peers.length - i))
      const peer = peers[j]!
      peers[j] = peers[i]!
      peers[i] = peer
    }
    return peers.slice(0, count)
  }
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
