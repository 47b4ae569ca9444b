/**
 * One content of this node: its row, which pieces are here, the streams about it, and what follows from each message of a peer. A content that was shared is complete from
 * the start and gives its pieces out by offers; one that is fetched becomes complete piece by piece, and gives every piece that it has.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Latch, type Scope } from "effect"
import type { ContentHash } from "../ContentHash.ts"
import type { ShareError } from "../ShareError.ts"
import type { PieceReader } from "../storage/model.ts"
import { Candidates } from "../swarm/Candidates.ts"
import { Download } from "../swarm/Download.ts"
import { Offers } from "../swarm/Offers.ts"
import { PieceMap } from "../swarm/PieceMap.ts"
import type { PieceRow } from "../tree/PieceRow.ts"
import { PIECE_BYTES, VALUE_BYTES } from "../tree/pieces.ts"
import { MAX_VALUES, type Message } from "../wire/messages.ts"
import { PeerLists } from "./PeerLists.ts"
import type { ContentParts, PieceWriter } from "./parts.ts"
import { RowRequest } from "./RowRequest.ts"
import type { Session } from "./Session.ts"

/** A peer that lets a piece become overdue so many times loses its stream. */
const MAX_STRIKES = 3
/** The values of a content's pieces come in this time, or are asked of another peer. */
const ROW_MS = 5_000
const IDLE_MS = 120_000
/** Peers whose pieces were wrong, remembered for one content. */
const MAX_BANNED = 512

export class Content {
  readonly hash: ContentHash
  readonly #parts: ContentParts
  readonly sessions = new Map<EndpointId.EndpointId, Session>()
  readonly banned = new BoundedMap<EndpointId.EndpointId, true>(MAX_BANNED)
  readonly candidates: Candidates
  /** Of the streams and files of this content. */
  readonly scope: Scope.Closeable
  readonly pieces: PieceReader
  readonly #writer: PieceWriter | undefined
  name = ""
  row: PieceRow | undefined
  map: PieceMap | undefined
  download: Download<Session> | undefined
  #offers: Offers<Session> | undefined
  #acquiring: RowRequest | undefined
  /** The size that a peer claims, if it is more than this node takes. */
  claimedSize: number | undefined
  /** When a piece or the row came last. */
  gainedAt: number
  uploadedBytes = 0
  /** Of an earlier fetch. */
  resumedBytes = 0
  /** Why a fetch cannot go on. */
  failure: ShareError | undefined
  /** Open while there is something to do at each tick. */
  readonly awake = Latch.makeUnsafe(false)
  /** How many users share it. */
  holds = 0
  /** It was fetched, and is shared while this Share lives. */
  isKept = false
  /** Where a fetch put it. */
  path = ""
  readonly peerLists = new PeerLists(this.sessions)

  constructor(
    hash: ContentHash,
    parts: ContentParts,
    scope: Scope.Closeable,
    pieces: PieceReader,
    writer: PieceWriter | undefined,
  ) {
    this.hash = hash
    this.#parts = parts
    this.candidates = new Candidates(parts.self)
    this.scope = scope
    this.pieces = pieces
    this.#writer = writer
    this.gainedAt = parts.now()
  }

  get isComplete(): boolean {
    return this.map?.isFull === true
  }

  get verifiedBytes(): number {
    const { map, row } = this
    if (map === undefined || row === undefined) return 0
    const last = row.count - 1
    return map.has(last) ? (map.size - 1) * PIECE_BYTES + row.lengthOf(last) : map.size * PIECE_BYTES
  }

  /** The peers that have a piece which is missing here. */
  get providers(): number {
    return this.download?.providers ?? 0
  }

  // The row

  /** The row is known and proven, and these pieces are here. */
  setRow(row: PieceRow, name: string, map: PieceMap): void {
    this.row = row
    this.name = name
    this.map = map
    this.resumedBytes = this.verifiedBytes
    if (this.#writer === undefined) this.#offers = new Offers(row.count, this.#parts.random)
    else if (!map.isFull) this.download = new Download(map, this.#parts.random)
    for (const session of this.sessions.values()) {
      if (session.theirSize !== undefined && session.theirSize !== row.size) this.ban(session, 0)
      else this.#introduce(session)
    }
  }

  /** Begins a stream: says what is here. */
  add(session: Session): void {
    this.sessions.set(session.peer, session)
    this.awake.openUnsafe()
    if (this.row === undefined) session.send({ _tag: "Here", size: undefined, name: "" })
    else this.#introduce(session)
    this.peerLists.send(session)
    session.flushHaves()
  }

  #introduce(session: Session): void {
    const { map, row } = this
    if (row === undefined || map === undefined) return
    session.send({ _tag: "Here", size: row.size, name: this.name })
    this.download?.addPeer(session)
    if (this.#offers === undefined) session.send({ _tag: "Map", bits: map.bytes.slice() })
    else this.#offers.addPeer(session, this.#parts.now())
    this.#theyHave(session, session.theirMap?.pieces() ?? [])
  }

  remove(session: Session): void {
    if (this.sessions.get(session.peer) === session) this.sessions.delete(session.peer)
    this.download?.removePeer(session)
    this.#offers?.removePeer(session)
    if (this.#acquiring?.session === session) {
      this.#acquiring = undefined
      this.#acquireFromAny()
    }
    this.#askAll()
  }

  /** The peer is not of use for this content any more. */
  ban(session: Session, piece: number): void {
    this.banned.set(session.peer, true)
    this.#parts.wrong(session.peer, piece)
    session.close()
  }

  // Messages

  /** Returns false if the peer does not keep to the protocol. */
  receive(session: Session, message: Message): Effect.Effect<boolean, ShareError> {
    session.heardAt = this.#parts.now()
    if (message._tag === "Piece") return this.#receivePiece(session, message.piece, message.bytes)
    if (message._tag === "Values") return this.#receiveValues(session, message.first, message.values)
    return Effect.sync(() => this.#receive(session, message))
  }

  #receive(session: Session, message: Exclude<Message, { readonly _tag: "Piece" | "Values" }>): boolean {
    switch (message._tag) {
      case "Here":
        return this.#receiveHere(session, message.size, message.name)
      case "Proof":
        return this.#acquiring?.session === session && this.#acquiring.receiveProof(message.proof)
      case "AskValues":
        return this.#sendValues(session, message.first)
      case "Map":
      case "Have": {
        const gained = message._tag === "Map" ? session.receiveMap(message.bits) : session.receiveHave(message.pieces)
        // A size that this node does not take: what the peer has does not matter.
        if (gained === undefined) return session.theirSize === undefined
        this.#theyHave(session, gained)
        return true
      }
      case "Want":
        return this.#receiveWant(session, message.piece)
      case "Cancel":
        session.receiveCancel(message.piece)
        return true
      case "No":
        this.download?.refused(session, message.piece, this.#parts.now())
        this.ask(session)
        return true
      case "Peers":
        this.candidates.add(message.peers, this.#parts.now())
        return true
      case "Open":
      case "NotHere":
        return false
    }
  }

  #receiveHere(session: Session, size: number | undefined, name: string): boolean {
    const wasKnown = session.theirSize !== undefined
    if (!session.receiveHere(size, name, this.#parts.maxBytes)) return false
    if (size !== undefined && session.theirSize === undefined) this.claimedSize = size
    if (size === undefined || wasKnown || session.theirSize === undefined) return true
    if (this.row === undefined) this.#acquireFromAny()
    else if (size !== this.row.size) this.ban(session, 0)
    return true
  }

  #acquireFromAny(): void {
    if (this.row !== undefined || this.#acquiring !== undefined) return
    for (const session of this.sessions.values()) {
      if (session.theirSize === undefined || session.isClosed) continue
      this.#acquiring = new RowRequest(session, session.theirSize, this.#parts.now())
      return
    }
  }

  #receiveValues(session: Session, first: number, values: Uint8Array): Effect.Effect<boolean, ShareError> {
    if (this.#acquiring?.session !== session) return Effect.succeed(false)
    const row = this.#acquiring.receiveValues(first, values, this.#parts.now())
    if (row === undefined || row === false) return Effect.succeed(row === undefined)
    if (!row.isOf(this.hash)) {
      this.ban(session, 0)
      return Effect.succeed(true)
    }
    const name = session.theirName
    return (this.#writer?.begin(row, name) ?? Effect.void).pipe(
      Effect.andThen(
        Effect.sync(() => {
          this.#acquiring = undefined
          this.gainedAt = this.#parts.now()
          this.setRow(row, name, new PieceMap(row.count))
          return true
        }),
      ),
    )
  }

  #sendValues(session: Session, first: number): boolean {
    const { row } = this
    if (row === undefined || first !== session.nextValues || first >= row.count) return false
    const end = Math.min(row.count, first + MAX_VALUES)
    session.nextValues = end
    if (first === 0) session.send({ _tag: "Proof", proof: row.proof })
    session.send({ _tag: "Values", first, values: row.values.subarray(first * VALUE_BYTES, end * VALUE_BYTES) })
    return true
  }

  #theyHave(session: Session, pieces: ReadonlyArray<number>): void {
    for (const piece of pieces) {
      this.download?.peerHas(session, piece)
      this.#offers?.peerHas(session, piece, this.#parts.now())
    }
    this.ask(session)
    this.#offer(session)
  }

  #receiveWant(session: Session, piece: number): boolean {
    const { map, row } = this
    if (row === undefined || map === undefined || piece >= row.count) return false
    const isGiven = map.has(piece) && (this.#offers === undefined || this.#offers.isTold(session, piece))
    if (isGiven) return session.receiveWant(piece)
    session.send({ _tag: "No", piece })
    return true
  }

  #receivePiece(session: Session, piece: number, bytes: Uint8Array): Effect.Effect<boolean, ShareError> {
    const { download, map, row } = this
    if (row === undefined || map === undefined) return Effect.succeed(false)
    const isAsked = download?.isAsked(session, piece) === true
    // Also one that nobody needs any more says something about the peer, but not enough to hash it.
    if (!isAsked) return Effect.succeed(session.mayStillCome(piece))
    this.#parts.received(bytes.length)
    if (!row.isRight(piece, bytes)) {
      download?.gaveUp(session, piece)
      this.ban(session, piece)
      return Effect.succeed(true)
    }
    return (this.#writer?.write(piece, bytes) ?? Effect.void).pipe(
      Effect.andThen(Effect.sync(() => this.#gained(session, piece))),
    )
  }

  #gained(from: Session, piece: number): boolean {
    this.gainedAt = this.#parts.now()
    const others = this.download?.got(from, piece, this.gainedAt)
    // It came from two peers at once.
    if (others === undefined) return true
    for (const other of others) if (other !== from) other.cancel(piece)
    for (const session of this.sessions.values()) session.haveLater(piece)
    if (this.isComplete) this.download = undefined
    this.ask(from)
    return true
  }

  // What we say by ourselves

  /** Asks the peer for pieces, as many as it may owe us. */
  ask(session: Session): void {
    if (this.download === undefined || session.isClosed) return
    for (;;) {
      const piece = this.download.next(session, this.#parts.now())
      if (piece === undefined) return
      session.want(piece)
    }
  }

  #askAll(): void {
    for (const session of this.sessions.values()) this.ask(session)
  }

  #offer(session: Session): void {
    if (session.isClosed) return
    for (const piece of this.#offers?.next(session, this.#parts.now()) ?? []) session.haveLater(piece)
  }

  /** A piece was sent to a peer. */
  sent(bytes: number, piece: number): void {
    this.uploadedBytes += bytes
    this.#offers?.sent(piece)
  }

  flush(): void {
    for (const session of this.sessions.values()) session.flushHaves()
  }

  /** The work of each second. */
  tick(): void {
    const now = this.#parts.now()
    for (const [session, piece] of this.download?.overdue(now) ?? []) {
      this.download?.refused(session, piece, now)
      session.cancel(piece)
      if (++session.strikes >= MAX_STRIKES) session.close()
    }
    // A peer that says it has the content, and does not say what it is, is not waited for.
    if (this.#acquiring !== undefined && now - this.#acquiring.heardAt >= ROW_MS) this.#acquiring.session.close()
    for (const session of this.sessions.values()) {
      const isOfUse = !(this.isComplete && session.theirMap?.isFull === true)
      if (!isOfUse || now - session.heardAt >= IDLE_MS) session.close()
      this.ask(session)
      this.#offer(session)
    }
    this.peerLists.tick(now)
  }
}
