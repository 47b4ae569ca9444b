/**
 * The offers of a content's source to its peers, so that its receivers serve each other: each piece goes out once, to one peer, and a peer gets the next one when it has
 * the last (BitTorrent's super-seeding, BEP 16, without its wait for other peers). A second and third time a piece is offered only to a peer that gets nothing
 * from others; once more than that only if no peer has it, or if the peer starves. Plain data; the time and the random numbers come from outside.
 */
import { PieceMap } from "./PieceMap.ts"

/** Pieces offered to a peer at a time. */
const MAX_OFFERED = 4
/** The copies of a piece that the source gives while others have it. */
const MAX_COPIES = 3
/** A peer that got no piece for this time, and for so many usual times between two, is offered a second and third copy. */
const HUNGRY_MS = 5_000
const HUNGRY_TIMES = 4
/** The same for any piece: the peers that say they have it do not give it. */
const STARVED_MS = 30_000
const STARVED_TIMES = 16
/** The weight of the newest time between two pieces of a peer. */
const NEWEST = 0.05
const MAX_COMPARED = 512

interface Peer {
  readonly map: PieceMap
  readonly offered: Set<number>
  /** Every piece that this peer was told of. */
  readonly told: PieceMap
  gainedAt: number
}

export class Offers<K> {
  readonly #count: number
  readonly #random: () => number
  readonly #peers = new Map<K, Peer>()
  readonly #holders: Uint32Array
  readonly #copies: Uint8Array
  readonly #open: Uint32Array
  /** The usual time between two pieces that a peer gets: on slow links it is long. */
  #usualMs = 0

  constructor(count: number, random: () => number) {
    this.#count = count
    this.#random = random
    this.#holders = new Uint32Array(count)
    this.#copies = new Uint8Array(count)
    this.#open = new Uint32Array(count)
  }

  addPeer(key: K, now: number): void {
    if (this.#peers.has(key)) return
    this.#peers.set(key, {
      map: new PieceMap(this.#count),
      offered: new Set(),
      told: new PieceMap(this.#count),
      gainedAt: now,
    })
  }

  removePeer(key: K): void {
    const peer = this.#peers.get(key)
    if (peer === undefined) return
    this.#peers.delete(key)
    for (const piece of peer.offered) this.#open[piece]!--
    for (let piece = 0; piece < this.#count; piece++) if (peer.map.has(piece)) this.#holders[piece]!--
  }

  peerHas(key: K, piece: number, now: number): void {
    const peer = this.#peers.get(key)
    if (peer === undefined || !peer.map.add(piece)) return
    this.#usualMs += NEWEST * (now - peer.gainedAt - this.#usualMs)
    peer.gainedAt = now
    this.#holders[piece]!++
    if (peer.offered.delete(piece)) this.#open[piece]!--
  }

  /** Whether this peer was told of the piece, so that it may ask for it. */
  isTold(key: K, piece: number): boolean {
    return this.#peers.get(key)?.told.has(piece) ?? false
  }

  /** The piece was sent to a peer. */
  sent(piece: number): void {
    if (this.#copies[piece]! < 255) this.#copies[piece]!++
  }

  /** The pieces to tell the peer of now. */
  next(key: K, now: number): ReadonlyArray<number> {
    const peer = this.#peers.get(key)
    const pieces: Array<number> = []
    if (peer === undefined) return pieces
    while (peer.offered.size < MAX_OFFERED) {
      const piece = this.#choose(peer, now)
      if (piece === undefined) break
      peer.offered.add(piece)
      if (peer.told.add(piece)) pieces.push(piece)
      this.#open[piece]!++
    }
    return pieces
  }

  #choose(peer: Peer, now: number): number | undefined {
    const hungry = now - peer.gainedAt
    const isHungry = hungry >= Math.max(HUNGRY_MS, HUNGRY_TIMES * this.#usualMs) || this.#peers.size <= MAX_COPIES
    const isStarved = hungry >= Math.max(STARVED_MS, STARVED_TIMES * this.#usualMs)
    let best: number | undefined
    let bestRank = Number.POSITIVE_INFINITY
    let compared = 0
    const start = Math.floor(this.#random() * this.#count)
    for (let i = 0; i < this.#count && compared < MAX_COMPARED; i++) {
      const piece = start + i < this.#count ? start + i : start + i - this.#count
      if (peer.map.has(piece) || peer.offered.has(piece)) continue
      const copies = this.#copies[piece]!
      // Copies on offer will be copies soon.
      const given = copies + this.#open[piece]!
      const isFree = given === 0 || (this.#holders[piece] === 0 && this.#open[piece] === 0)
      if (!isFree && !(isHungry && given < MAX_COPIES) && !isStarved) continue
      compared++
      const rank = given + this.#holders[piece]! + this.#random() / 2
      if (rank < bestRank) {
        bestRank = rank
        best = piece
      }
      if (given === 0 && compared >= 16) break
    }
    return best
  }
}
