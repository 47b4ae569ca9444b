/**
 * One stream with a peer about one content: what each side has, asked for and was promised. It judges the peer's messages and puts ours into a queue; both sides of a
 * stream are equal, whoever opened it. It knows no socket and no file: `Content` decides, `runSession` reads and writes.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Deferred, Effect, Exit, Queue } from "effect"
import { MAX_ASKED } from "../swarm/Download.ts"
import { PieceMap } from "../swarm/PieceMap.ts"
import { pieceCount } from "../tree/pieces.ts"
import { encode, encodeHaves, type Message } from "../wire/messages.ts"

/** A peer that lets so many messages lie loses its stream. */
const MAX_UNSENT = 1_024
/** Pieces that a peer may want at a time. Ours are half as many: an answer and a new wish may cross. */
const MAX_WANTED = 2 * MAX_ASKED

const DONE = Exit.void

export class Session {
  readonly peer: EndpointId.EndpointId
  /** The side that opened the stream. */
  readonly opener: EndpointId.EndpointId
  readonly outbox: Queue.Queue<Uint8Array>
  /** The pieces that the peer wants, in its order. */
  readonly wants: Queue.Queue<number>
  readonly over = Deferred.makeUnsafe<void>()
  readonly #wanted = new Set<number>()
  readonly #cancelled = new Set<number>()
  /** Pieces that we asked for and then did not need: they may still come, once. */
  readonly #unneeded = new Set<number>()
  #haves: Array<number> = []
  theirSize: number | undefined
  theirName = ""
  theirMap: PieceMap | undefined
  #heres = 0
  /** The first value of the next AskValues that the peer may send. */
  nextValues = 0
  heardAt: number
  strikes = 0
  isClosed = false

  private constructor(
    peer: EndpointId.EndpointId,
    opener: EndpointId.EndpointId,
    now: number,
    outbox: Queue.Queue<Uint8Array>,
    wants: Queue.Queue<number>,
  ) {
    this.peer = peer
    this.opener = opener
    this.heardAt = now
    this.outbox = outbox
    this.wants = wants
  }

  static readonly make = (
    peer: EndpointId.EndpointId,
    opener: EndpointId.EndpointId,
    now: number,
  ): Effect.Effect<Session> =>
    Effect.zipWith(
      Queue.unbounded<Uint8Array>(),
      Queue.unbounded<number>(),
      (outbox, wants) => new Session(peer, opener, now, outbox, wants),
    )

  send(message: Message): void {
    this.#put(encode(message))
  }

  #put(bytes: Uint8Array): void {
    if (this.isClosed) return
    Queue.offerUnsafe(this.outbox, bytes)
    if (Queue.sizeUnsafe(this.outbox) > MAX_UNSENT) this.close()
  }

  close(): void {
    this.isClosed = true
    Deferred.doneUnsafe(this.over, DONE)
  }

  /** We have this piece, or offer it. It is told with the next {@link flushHaves}. */
  haveLater(piece: number): void {
    this.#haves.push(piece)
  }

  flushHaves(): void {
    if (this.#haves.length === 0) return
    const haves = this.#haves
    this.#haves = []
    for (const bytes of encodeHaves(haves)) this.#put(bytes)
  }

  /** Returns false if the peer may not say this. */
  receiveHere(size: number | undefined, name: string, maxBytes: number): boolean {
    // Twice: before and after the peer knows the size.
    if (++this.#heres > 2 || (this.theirSize !== undefined && size !== this.theirSize)) return false
    this.theirName = name
    if (size === undefined || size > maxBytes) return true
    this.theirSize = size
    this.theirMap ??= new PieceMap(pieceCount(size))
    return true
  }

  /** The pieces that are new at the peer; undefined if it may not say this. */
  receiveMap(bits: Uint8Array): ReadonlyArray<number> | undefined {
    if (this.theirMap === undefined || !PieceMap.isMap(bits, this.theirMap.count)) return undefined
    return this.receiveHave(new PieceMap(this.theirMap.count, bits).pieces())
  }

  receiveHave(pieces: ReadonlyArray<number>): ReadonlyArray<number> | undefined {
    const map = this.theirMap
    if (map === undefined || pieces.some((piece) => piece >= map.count)) return undefined
    return pieces.filter((piece) => map.add(piece))
  }

  /** Returns false if the peer wants too much. */
  receiveWant(piece: number): boolean {
    if (this.#wanted.has(piece)) return true
    if (this.#wanted.size >= MAX_WANTED) return false
    this.#wanted.add(piece)
    this.#cancelled.delete(piece)
    Queue.offerUnsafe(this.wants, piece)
    return true
  }

  receiveCancel(piece: number): void {
    if (this.#wanted.has(piece)) this.#cancelled.add(piece)
  }

  /** Whether the piece, whose turn it is, is still wanted. */
  takeWanted(piece: number): boolean {
    return !this.#cancelled.delete(piece)
  }

  served(piece: number): void {
    this.#wanted.delete(piece)
  }

  want(piece: number): void {
    this.#unneeded.delete(piece)
    this.send({ _tag: "Want", piece })
  }

  cancel(piece: number): void {
    this.#unneeded.add(piece)
    this.send({ _tag: "Cancel", piece })
  }

  /** Whether a piece that is not asked for any more may come. */
  mayStillCome(piece: number): boolean {
    return this.#unneeded.delete(piece)
  }
}
