/**
 * Which missing piece is asked of which peer: the rarest one that nobody is asked for yet, at random among equals (BitTorrent's "rarest first"). Near the end,
 * and when an answer is late, a second peer is asked too. Plain data; the time and the random numbers come from outside.
 */
import { PieceMap } from "./PieceMap.ts"

/** Pieces asked of one peer at a time: 1 MiB, enough for 20 MB/s at a round trip of 50 ms. */
export const MAX_ASKED = 4

/** An answer that takes longer, and longer than so many usual ones, is asked of another peer too. */
const LATE_MS = 3_000
const LATE_TIMES = 4
/** The same for giving it up. */
const OVERDUE_MS = 30_000
const OVERDUE_TIMES = 12
/** The weight of the newest answer in the usual time. */
const NEWEST = 0.1
/** So many missing pieces are asked of two peers at once. */
const END_GAME = 8
/** A piece that a peer did not give is not asked of it for this time. */
const REFUSED_MS = 2_000
/** Candidates that are compared for one choice: a long content must not cost a scan of all its pieces. */
const MAX_COMPARED = 512

interface Peer {
  readonly map: PieceMap
  readonly asked: Map<number, number>
  readonly refused: Map<number, number>
}

export class Download<K> {
  readonly have: PieceMap
  readonly #random: () => number
  readonly #peers = new Map<K, Peer>()
  readonly #holders: Uint32Array
  /** The peers that are asked for a piece. */
  readonly #askers = new Map<number, Set<K>>()
  /** The time in which an answer usually comes: on slow links a piece takes long. */
  #usualMs = 0

  constructor(have: PieceMap, random: () => number) {
    this.have = have
    this.#random = random
    this.#holders = new Uint32Array(have.count)
  }

  addPeer(key: K): void {
    if (!this.#peers.has(key)) {
      this.#peers.set(key, { map: new PieceMap(this.have.count), asked: new Map(), refused: new Map() })
    }
  }

  removePeer(key: K): void {
    const peer = this.#peers.get(key)
    if (peer === undefined) return
    this.#peers.delete(key)
    for (const piece of peer.asked.keys()) this.#unask(key, piece)
    for (let piece = 0; piece < this.have.count; piece++) if (peer.map.has(piece)) this.#holders[piece]!--
  }

  /** The peer says that it has the piece. */
  peerHas(key: K, piece: number): void {
    const peer = this.#peers.get(key)
    if (peer?.map.add(piece)) this.#holders[piece]!++
  }

  isAsked(key: K, piece: number): boolean {
    return this.#peers.get(key)?.asked.has(piece) ?? false
  }

  /** The peers that have a piece which is missing here. */
  get providers(): number {
    let count = 0
    for (const { map } of this.#peers.values()) if (this.#gives(map)) count++
    return count
  }

  #gives(map: PieceMap): boolean {
    const { bytes } = this.have
    return map.bytes.some((byte, i) => (byte & ~bytes[i]!) !== 0)
  }

  /** The piece to ask this peer for now; it counts as asked. */
  next(key: K, now: number): number | undefined {
    const peer = this.#peers.get(key)
    if (peer === undefined || peer.asked.size >= MAX_ASKED) return undefined
    const { count } = this.have
    const missing = count - this.have.size
    let best: number | undefined
    let bestRank = Number.POSITIVE_INFINITY
    let compared = 0
    const start = Math.floor(this.#random() * count)
    for (let i = 0; i < count && compared < MAX_COMPARED; i++) {
      const piece = start + i < count ? start + i : start + i - count
      if (this.have.has(piece) || !peer.map.has(piece) || peer.asked.has(piece)) continue
      if ((peer.refused.get(piece) ?? Number.NEGATIVE_INFINITY) > now) continue
      const askers = this.#askers.get(piece)
      if (askers !== undefined && !(askers.size < 2 && (missing <= END_GAME || this.#isLate(piece, now)))) continue
      compared++
      // Pieces that a second peer is asked for come last. The random part decides among equals.
      const rank = (askers === undefined ? 0 : 1_000_000) + this.#holders[piece]! + this.#random() / 2
      if (rank < bestRank) {
        bestRank = rank
        best = piece
      }
    }
    if (best === undefined) return undefined
    peer.asked.set(best, now)
    const askers = this.#askers.get(best)
    if (askers === undefined) this.#askers.set(best, new Set([key]))
    else askers.add(key)
    return best
  }

  #isLate(piece: number, now: number): boolean {
    const lateMs = Math.max(LATE_MS, LATE_TIMES * this.#usualMs)
    for (const key of this.#askers.get(piece) ?? []) {
      if (now - (this.#peers.get(key)?.asked.get(piece) ?? now) < lateMs) return false
    }
    return true
  }

  /** The peer does not give the piece now. */
  refused(key: K, piece: number, now: number): void {
    const peer = this.#peers.get(key)
    if (peer?.asked.delete(piece) !== true) return
    peer.refused.set(piece, now + REFUSED_MS)
    this.#unask(key, piece)
  }

  /** The piece came from the peer. Returns all peers that were asked for it. */
  got(from: K, piece: number, now: number): ReadonlyArray<K> {
    this.have.add(piece)
    const since = this.#peers.get(from)?.asked.get(piece)
    if (since !== undefined) {
      this.#usualMs = this.#usualMs === 0 ? now - since : this.#usualMs + NEWEST * (now - since - this.#usualMs)
    }
    const askers = [...(this.#askers.get(piece) ?? [])]
    this.#askers.delete(piece)
    for (const key of askers) this.#peers.get(key)?.asked.delete(piece)
    return askers
  }

  /** The piece came and was wrong, or the answer is no use any more. */
  gaveUp(key: K, piece: number): void {
    if (this.#peers.get(key)?.asked.delete(piece) === true) this.#unask(key, piece)
  }

  /** The requests that are so old that they are given up. */
  overdue(now: number): ReadonlyArray<readonly [K, number]> {
    const afterMs = Math.max(OVERDUE_MS, OVERDUE_TIMES * this.#usualMs)
    const late: Array<readonly [K, number]> = []
    for (const [key, { asked }] of this.#peers) {
      for (const [piece, since] of asked) if (now - since >= afterMs) late.push([key, piece])
    }
    return late
  }

  #unask(key: K, piece: number): void {
    const askers = this.#askers.get(piece)
    askers?.delete(key)
    if (askers?.size === 0) this.#askers.delete(piece)
  }
}
