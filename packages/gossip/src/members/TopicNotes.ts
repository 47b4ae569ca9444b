/**
 * The notes and whispers of one members-only topic: small signed broadcasts beside the channels, and bytes for one neighbour. A protocol that uses
 * them, such as presence, judges its notes itself; without one a node checks and forwards them for the others. Synchronous, without Effect.
 */
import { TokenBuckets } from "@topic-tracker/common/TokenBucket"
import { type CryptoService, EndpointId } from "@topic-tracker/crypto"
import { Note } from "@topic-tracker/crypto/members"

/** Notes that a node without a handler forwards: of one author, at once and a second. */
const AUTHOR_BURST = 10
const AUTHOR_PER_SECOND = 1
const MAX_AUTHORS = 4_096
/** Signatures that it checks for one neighbour, at once and a second. */
const CHECKS_BURST = 4_096
const CHECKS_PER_SECOND = 200

/**
 * The receiver's verdict on a note: see `ContentVerdict`.
 *
 * @since 0.1.0
 * @category models
 */
export type NoteVerdict = "accept" | "ignore" | "reject"

/**
 * The protocol that uses the notes of a topic. All calls are synchronous, and come from within the engine: it must not call back at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface NotesHandler {
  /** Judges a note before it is forwarded. Only its form was checked. */
  readonly note: (from: EndpointId.EndpointId, note: Uint8Array) => NoteVerdict
  readonly neighborUp: (peer: EndpointId.EndpointId) => void
  /** `isLost`: the connection broke without a word of the peer. */
  readonly neighborDown: (peer: EndpointId.EndpointId, isLost: boolean) => void
  /** Whispers go to and come from this peer from now on. It need not be a neighbour yet. */
  readonly lineUp: (peer: EndpointId.EndpointId) => void
  readonly lineDown: (peer: EndpointId.EndpointId) => void
  readonly whisper: (peer: EndpointId.EndpointId, bytes: Uint8Array) => void
}

/** Options of {@link TopicNotes}. */
export interface TopicNotesOptions {
  readonly crypto: CryptoService
  readonly gossipTopic: Uint8Array
  /** The own endpoint id. */
  readonly self: EndpointId.EndpointId
  /** Whether `allow` admits the author. False while it is not known yet. */
  readonly admits: (author: EndpointId.EndpointId) => boolean
}

/**
 * The notes of one topic.
 *
 * @since 0.1.0
 * @category models
 */
export class TopicNotes {
  readonly #options: TopicNotesOptions
  readonly #neighbors = new Set<EndpointId.EndpointId>()
  readonly #lines = new Map<EndpointId.EndpointId, (bytes: Uint8Array) => void>()
  readonly #authors = new TokenBuckets<string>(MAX_AUTHORS, AUTHOR_BURST, AUTHOR_PER_SECOND)
  readonly #checks = new TokenBuckets<string>(64, CHECKS_BURST, CHECKS_PER_SECOND)
  #handler: NotesHandler | undefined

  constructor(options: TopicNotesOptions) {
    this.#options = options
  }

  /** Hands the notes to this protocol, and tells it the neighbours that are there. False if there is one already. */
  attach(handler: NotesHandler): boolean {
    if (this.#handler !== undefined) return false
    this.#handler = handler
    for (const peer of this.#lines.keys()) handler.lineUp(peer)
    for (const peer of this.#neighbors) handler.neighborUp(peer)
    return true
  }

  detach(handler: NotesHandler): void {
    if (this.#handler === handler) this.#handler = undefined
  }

  whisper(peer: EndpointId.EndpointId, bytes: Uint8Array): void {
    this.#lines.get(peer)?.(bytes)
  }

  verify(note: Uint8Array): boolean {
    return Note.verify(this.#options.crypto, this.#options.gossipTopic, note)
  }

  /** Whether the topic's `allow` admits this author. */
  admits(author: EndpointId.EndpointId): boolean {
    return author === this.#options.self || this.#options.admits(author)
  }

  judge(from: EndpointId.EndpointId, note: Uint8Array, scope: "swarm" | "neighbors", now: number): NoteVerdict {
    if (!Note.isNote(note) || scope !== "swarm") return "reject"
    if (this.#handler !== undefined) return this.#handler.note(from, note)
    const author = EndpointId.fromBytes(Note.author(note))
    if (author === this.#options.self || !this.admits(author)) return "ignore"
    if (!this.#checks.take(from, now)) return "ignore"
    if (!this.verify(note)) return "reject"
    return this.#authors.take(author, now) ? "accept" : "ignore"
  }

  neighborUp(peer: EndpointId.EndpointId): void {
    if (this.#neighbors.has(peer)) return
    this.#neighbors.add(peer)
    this.#handler?.neighborUp(peer)
  }

  neighborDown(peer: EndpointId.EndpointId, isLost: boolean): void {
    if (this.#neighbors.delete(peer)) this.#handler?.neighborDown(peer, isLost)
  }

  /** The neighbours as they are: events may have been dropped. */
  setNeighbors(neighbors: ReadonlySet<EndpointId.EndpointId>): void {
    for (const peer of this.#neighbors) if (!neighbors.has(peer)) this.neighborDown(peer, false)
    for (const peer of neighbors) this.neighborUp(peer)
  }

  lineUp(peer: EndpointId.EndpointId, send: (bytes: Uint8Array) => void): void {
    const isNew = !this.#lines.has(peer)
    this.#lines.set(peer, send)
    if (isNew) this.#handler?.lineUp(peer)
  }

  lineDown(peer: EndpointId.EndpointId): void {
    if (this.#lines.delete(peer)) this.#handler?.lineDown(peer)
  }

  receiveWhisper(peer: EndpointId.EndpointId, bytes: Uint8Array): void {
    if (this.#lines.has(peer)) this.#handler?.whisper(peer, bytes)
  }
}
