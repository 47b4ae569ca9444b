/**
 * The authors of a topic and their streams, with all bounds: state is made only for envelopes that were accepted, and only so much of it for
 * one author and one neighbour.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { fromHex } from "@topic-tracker/common/Bytes"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { StreamOrder } from "./StreamOrder.ts"

export const MAX_AUTHORS = 4096
export const MAX_SESSIONS = 4
export const MAX_CLOSED_SESSIONS = 64
export const MAX_CHANNELS = 256
/** A session that is silent for so long may give way to a new one of the same author. */
export const REPLACED_AFTER_MS = 60_000
/** A stream that is silent for so long is forgotten: its envelopes are out of the window of minutes by then. */
export const FORGOTTEN_AFTER_MS = 17 * 60_000
const BYTES_PER_SECOND = 8 * 1024 * 1024
const BURST_BYTES = 16 * 1024 * 1024

/**
 * One author's messages of one session in one channel.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthorStream {
  /** Hex of author ‖ session ‖ channel. */
  readonly key: string
  /** The same 48 bytes. */
  readonly bytes: Uint8Array
  /** The three parts of the key. */
  readonly author: string
  readonly session: string
  readonly channel: string
  order: StreamOrder
  lastAt: number
}

interface Session {
  readonly streams: Map<string, AuthorStream>
  lastAt: number
}

interface Author {
  readonly sessions: Map<string, Session>
  readonly closed: BoundedMap<string, true>
  readonly rate: TokenBucket
}

/** The hex of the author's endpoint id, from the key of a stream. */
export const authorOf = (key: string): string => key.slice(0, 64)
const sessionOf = (key: string): string => key.slice(64, 80)

/**
 * The authors of one topic. The one that was silent longest is the first in the map.
 *
 * @since 0.1.0
 * @category models
 */
export class Authors {
  readonly #authors = new Map<string, Author>()
  readonly #streams = new Map<string, AuthorStream>()
  readonly #maxAuthors: number

  constructor(maxAuthors = MAX_AUTHORS) {
    this.#maxAuthors = maxAuthors
  }

  get size(): number {
    return this.#authors.size
  }

  /** All streams. */
  get streams(): Iterable<AuthorStream> {
    return this.#streams.values()
  }

  stream(key: string): AuthorStream | undefined {
    return this.#streams.get(key)
  }

  isKnownAuthor(key: string): boolean {
    return this.#authors.has(authorOf(key))
  }

  /** Whether the stream belongs to a session that ended or gave way. */
  isClosed(key: string): boolean {
    return this.#authors.get(authorOf(key))?.closed.has(sessionOf(key)) === true
  }

  /** Whether the author may send so many bytes now. Counts them. */
  takeBytes(key: string, bytes: number, now: number): boolean {
    return this.#authors.get(authorOf(key))?.rate.take(now, bytes) !== false
  }

  /** Whether there is room for the stream, which is not there yet. Changes nothing. */
  hasRoom(key: string, now: number): boolean {
    const author = this.#authors.get(authorOf(key))
    if (author === undefined) return this.#authors.size < this.#maxAuthors || this.#idleAuthor(now) !== undefined
    const session = author.sessions.get(sessionOf(key))
    if (session !== undefined) return channelsOf(author) < MAX_CHANNELS
    return author.sessions.size < MAX_SESSIONS || replaceable(author, now) !== undefined
  }

  /** Adds the stream. Only if {@link hasRoom}. */
  open(key: string, order: StreamOrder, now: number): AuthorStream {
    let author = this.#authors.get(authorOf(key))
    if (author === undefined) {
      if (this.#authors.size >= this.#maxAuthors) this.#forgetAuthor(this.#idleAuthor(now)!)
      author = {
        sessions: new Map(),
        closed: new BoundedMap(MAX_CLOSED_SESSIONS),
        rate: new TokenBucket(BURST_BYTES, BYTES_PER_SECOND),
      }
      this.#authors.set(authorOf(key), author)
    }
    let session = author.sessions.get(sessionOf(key))
    if (session === undefined) {
      if (author.sessions.size >= MAX_SESSIONS) this.#closeSession(author, replaceable(author, now)!)
      session = { streams: new Map(), lastAt: now }
      author.sessions.set(sessionOf(key), session)
    }
    const stream: AuthorStream = {
      key,
      bytes: fromHex(key),
      author: authorOf(key),
      session: sessionOf(key),
      channel: key.slice(80),
      order,
      lastAt: now,
    }
    session.streams.set(key, stream)
    this.#streams.set(key, stream)
    return stream
  }

  /** The stream was used. */
  touch(stream: AuthorStream, now: number): void {
    stream.lastAt = now
    const name = authorOf(stream.key)
    const author = this.#authors.get(name)!
    author.sessions.get(sessionOf(stream.key))!.lastAt = now
    // To the end: the first author is the one that was silent longest.
    this.#authors.delete(name)
    this.#authors.set(name, author)
  }

  /** Forgets streams that were silent for `FORGOTTEN_AFTER_MS`, and authors without a stream. Call it once a minute. */
  evict(now: number): void {
    for (const [name, author] of this.#authors) {
      for (const [id, session] of author.sessions) {
        for (const stream of session.streams.values()) {
          if (now - stream.lastAt < FORGOTTEN_AFTER_MS) continue
          session.streams.delete(stream.key)
          this.#streams.delete(stream.key)
        }
        if (session.streams.size === 0) author.sessions.delete(id)
      }
      if (author.sessions.size === 0) this.#authors.delete(name)
    }
  }

  #idleAuthor(now: number): string | undefined {
    const first = this.#authors.entries().next().value
    if (first === undefined) return undefined
    const [name, author] = first
    return [...author.sessions.values()].every(({ lastAt }) => now - lastAt >= REPLACED_AFTER_MS) ? name : undefined
  }

  #forgetAuthor(name: string): void {
    const author = this.#authors.get(name)!
    for (const id of [...author.sessions.keys()]) this.#closeSession(author, id)
    this.#authors.delete(name)
  }

  #closeSession(author: Author, id: string): void {
    for (const key of author.sessions.get(id)!.streams.keys()) this.#streams.delete(key)
    author.sessions.delete(id)
    author.closed.set(id, true)
  }
}

const channelsOf = (author: Author): number => {
  let channels = 0
  for (const session of author.sessions.values()) channels += session.streams.size
  return channels
}

/** The session that was silent longest, if that is long enough. */
const replaceable = (author: Author, now: number): string | undefined => {
  let oldest: string | undefined
  let at = Number.POSITIVE_INFINITY
  for (const [id, { lastAt }] of author.sessions) {
    if (lastAt < at) {
      oldest = id
      at = lastAt
    }
  }
  return now - at >= REPLACED_AFTER_MS ? oldest : undefined
}
