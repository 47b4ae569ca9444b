/**
 * Acknowledgements of messages whose author asks for them: an author counts the members that delivered a message, and a member decides how
 * to answer. A neighbour answers on the stream of the door; members further away broadcast an answer, and only as many as the author waits
 * for. Pure: the caller sends and has the clock. Specified in PROTOCOL.md, "Acknowledgements".
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { concat, fromHex, toHex, u64be } from "@topic-tracker/common/Bytes"
import { TokenBucket, TokenBuckets } from "@topic-tracker/common/TokenBucket"

/** The first byte of an extension that asks for answers of so many members, and of one that answers. */
const WANTED = 1
const ANSWER = 2
const WANTED_BYTES = 3
const ANSWER_BYTES = 57
/**
 * The most members whose acknowledgements an author can wait for.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_ACKNOWLEDGING = 0xffff
/** Members answer after a random time up to this, so that most hear that enough have answered. */
export const ANSWER_WITHIN_MS = 200
/** Answers that wait, and answers of others that are remembered. More are dropped. */
const MAX_PENDING = 256
/** Answers that this node broadcasts in a second, for all authors. */
const ANSWERS_PER_SECOND = 20
/** Answers to one neighbour in a second. */
const SEEN_PER_SECOND = 500
/** An answer to a neighbour whose line closes within this time, in ms, may not have arrived. */
const UNSURE_MS = 5_000

/**
 * The extension of a message that members beyond the neighbours shall acknowledge, until `count` have.
 *
 * @since 0.1.0
 * @category operations
 */
export const wantedExtension = (count: number): Uint8Array => Uint8Array.of(WANTED, count >>> 8, count & 0xff)

/**
 * The extension of an answer: the stream (48 bytes) and the seq of the message.
 *
 * @since 0.1.0
 * @category operations
 */
export const answerExtension = (stream: Uint8Array, seq: number): Uint8Array =>
  concat(Uint8Array.of(ANSWER), stream, u64be(BigInt(seq)))

/**
 * The extension of an answer that was to wait.
 *
 * @since 0.1.0
 * @category operations
 */
export const answerOf = ({ key }: LaterAnswer): Uint8Array => {
  const [stream, seq] = key.split(":") as [string, string]
  return answerExtension(fromHex(stream), Number(seq))
}

/**
 * The stream, in hex, and the seq that an extension acknowledges; undefined if it is no answer.
 *
 * @since 0.1.0
 * @category encoding
 */
export const readAnswer = (extension: Uint8Array | undefined): { stream: string; seq: number } | undefined => {
  if (extension?.length !== ANSWER_BYTES || extension[0] !== ANSWER) return undefined
  const fields = new DataView(extension.buffer, extension.byteOffset, extension.length)
  return { stream: toHex(extension.subarray(1, 49)), seq: fields.getUint32(49) * 2 ** 32 + fields.getUint32(53) }
}

/** The number of members that the author waits for; 0 if only neighbours are to answer. */
const readWanted = (extension: Uint8Array | undefined): number =>
  extension?.length === WANTED_BYTES && extension[0] === WANTED ? extension[1]! * 256 + extension[2]! : 0

/**
 * The action after a delivered message: tell the author, who is a neighbour, or broadcast an answer after a time, or nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type AnswerPlan = { readonly _tag: "Seen" } | ({ readonly _tag: "After" } & LaterAnswer) | undefined

/**
 * An answer to broadcast after a time, unless enough others have answered by then.
 *
 * @since 0.1.0
 * @category models
 */
export interface LaterAnswer {
  readonly ms: number
  /** Names the message. */
  readonly key: string
}

interface Waiting {
  readonly by: Set<string>
  readonly wanted: number
  readonly enough: () => void
}

/**
 * The acknowledgements of one topic, of both sides.
 *
 * @since 0.1.0
 * @category models
 */
export class Acknowledgements {
  readonly #random: () => number
  readonly #waiting = new Map<string, Waiting>()
  /** Members that answered a message of another author, which this node may have to answer. */
  readonly #heard = new BoundedMap<string, { readonly by: Set<string>; readonly wanted: number }>(MAX_PENDING)
  /** The messages that were acknowledged to their author on its line, and when. */
  readonly #told = new BoundedMap<string, { readonly author: string; readonly at: number }>(MAX_PENDING)
  readonly #answers = new TokenBucket(ANSWERS_PER_SECOND, ANSWERS_PER_SECOND)
  readonly #seen = new TokenBuckets<string>(MAX_PENDING, SEEN_PER_SECOND, SEEN_PER_SECOND)

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** The author waits for a message, until `end`. `enough` runs once; `count` is the number of members so far. */
  expect(
    stream: string,
    seq: number,
    wanted: number,
    enough: () => void,
  ): { readonly count: () => number; readonly end: () => void } {
    const key = keyOf(stream, seq)
    const waiting = { by: new Set<string>(), wanted, enough }
    this.#waiting.set(key, waiting)
    return { count: () => waiting.by.size, end: () => void this.#waiting.delete(key) }
  }

  /** A member acknowledged a message: one of ours, or one that we may have to answer, too. */
  note(stream: string, seq: number, member: string): void {
    const key = keyOf(stream, seq)
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) {
      // Those beyond the number change nothing.
      if (waiting.by.size >= waiting.wanted) return
      waiting.by.add(member)
      if (waiting.by.size === waiting.wanted) waiting.enough()
      return
    }
    this.#heard.get(key)?.by.add(member)
  }

  /** A message was delivered whose author asks for acknowledgements. */
  plan(
    stream: string,
    seq: number,
    author: { readonly id: string; readonly isNeighbor: boolean },
    extension: Uint8Array | undefined,
    now: number,
  ): AnswerPlan {
    const wanted = readWanted(extension)
    const key = keyOf(stream, seq)
    const isNew = wanted > 0 && this.#heard.get(key) === undefined
    if (isNew) this.#heard.set(key, { by: new Set(), wanted })
    if (!author.isNeighbor) return isNew ? { _tag: "After", ...this.#later(key) } : undefined
    if (!this.#seen.take(author.id, now)) return undefined
    if (isNew) this.#told.set(key, { author: author.id, at: now })
    return { _tag: "Seen" }
  }

  /** The line to the neighbour closed: these of the answers that went there may not have arrived. They are given once. */
  unsure(author: string, now: number): ReadonlyArray<LaterAnswer> {
    const answers: Array<LaterAnswer> = []
    for (const [key, told] of this.#told.entries()) {
      if (told.author !== author) continue
      this.#told.delete(key)
      if (now - told.at < UNSURE_MS) answers.push(this.#later(key))
    }
    return answers
  }

  #later(key: string): LaterAnswer {
    return { ms: this.#random() * ANSWER_WITHIN_MS, key }
  }

  /** The time of an answer is over. Whether to broadcast it. */
  isDue({ key }: LaterAnswer, now: number): boolean {
    const heard = this.#heard.get(key)
    return heard !== undefined && heard.by.size < heard.wanted && this.#answers.take(now)
  }
}

const keyOf = (stream: string, seq: number): string => `${stream}:${seq}`
