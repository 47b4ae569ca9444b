/**
 * The answers of a user's `allow`, by endpoint id: each is kept for a minute, and asked for again when it is needed after that. It knows
 * neither connections nor envelopes, and runs no Effect: the caller asks the user.
 */
import type { Timers } from "@topic-tracker/common"
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { EndpointId } from "@topic-tracker/crypto"

/**
 * The request of a peer: to be a neighbour, to have its messages delivered, or to open streams to us.
 *
 * @since 0.1.0
 * @category models
 */
export type AllowRole = "neighbor" | "author" | "stream"

/**
 * `"admit"`; `"refuse"`: it is no neighbour, its streams are closed, and its messages are neither delivered nor forwarded; `"mute"`: its
 * messages are forwarded and not delivered, and otherwise it is admitted.
 *
 * @since 0.1.0
 * @category models
 */
export type AllowAnswer = "admit" | "mute" | "refuse"

/** An answer counts for this time. */
const VALID_MS = 60_000
const MAX_ANSWERS = 4_096
/** Questions at a time. Above that a peer is told to try later, and an author waits. */
const MAX_QUESTIONS = 256
/** Questions about authors: at once, and in a second. Their envelopes are not verified yet, so a member can make up authors. */
const AUTHORS_BURST = 64
const AUTHORS_PER_SECOND = 16

/** Options of {@link Admissions}. */
export interface AdmissionsOptions {
  readonly timers: Timers
  /** Asks the user, and calls `answer` once, later than this call; undefined if the user gave none in time. */
  readonly ask: (peer: EndpointId.EndpointId, as: AllowRole, answer: (answer: AllowAnswer | undefined) => void) => void
}

type Waiting = (answer: AllowAnswer | undefined) => void

/**
 * The admissions of one topic.
 *
 * @since 0.1.0
 */
export class Admissions {
  readonly #options: AdmissionsOptions
  readonly #answers = new BoundedMap<string, { readonly answer: AllowAnswer; readonly at: number }>(MAX_ANSWERS)
  readonly #questions = new Map<string, Array<Waiting>>()
  readonly #authors = new TokenBucket(AUTHORS_BURST, AUTHORS_PER_SECOND)
  /** Runs after each question about an author; undefined if there was no answer. */
  onAuthor: (peer: EndpointId.EndpointId, answer: AllowAnswer | undefined) => void = () => {}
  /** Runs when the answer for a neighbour or a stream becomes `"refuse"`. */
  onRefused: (peer: EndpointId.EndpointId) => void = () => {}

  constructor(options: AdmissionsOptions) {
    this.#options = options
  }

  /** The answer if it is known, also if it is old. An answer that is unknown or old is asked for. */
  current(peer: EndpointId.EndpointId, as: AllowRole): AllowAnswer | undefined {
    const known = this.#answers.get(keyOf(peer, as))
    if (known === undefined || this.#isOld(known.at)) this.#ask(peer, as, undefined)
    return known?.answer
  }

  /** Gives the answer, at once if it is known and not old; undefined if there is none in time. */
  get(peer: EndpointId.EndpointId, as: AllowRole, answered: Waiting): void {
    const known = this.#answers.get(keyOf(peer, as))
    if (known !== undefined && !this.#isOld(known.at)) answered(known.answer)
    else this.#ask(peer, as, answered)
  }

  /** Asks again for all answers; `done` runs when they are there. Until then the old ones count. */
  recheck(done: () => void): void {
    let left = 1
    const one = () => {
      if (--left === 0) done()
    }
    for (const key of [...this.#answers.keys()]) {
      left++
      this.#ask(key.slice(0, 64) as EndpointId.EndpointId, key.slice(64) as AllowRole, one)
    }
    one()
  }

  #ask(peer: EndpointId.EndpointId, as: AllowRole, waiting: Waiting | undefined): void {
    const key = keyOf(peer, as)
    const asked = this.#questions.get(key)
    if (asked !== undefined) {
      if (waiting !== undefined) asked.push(waiting)
      return
    }
    const isNewAuthor = as === "author" && !this.#answers.has(key)
    if (this.#questions.size >= MAX_QUESTIONS || (isNewAuthor && !this.#authors.take(this.#options.timers.now()))) {
      waiting?.(undefined)
      return
    }
    const all = waiting === undefined ? [] : [waiting]
    this.#questions.set(key, all)
    this.#options.ask(peer, as, (answer) => {
      this.#questions.delete(key)
      const isNew = answer !== this.#answers.get(key)?.answer
      if (answer !== undefined) this.#answers.set(key, { answer, at: this.#options.timers.now() })
      if (as === "author") this.onAuthor(peer, answer)
      else if (answer === "refuse" && isNew) this.onRefused(peer)
      for (const each of all) each(answer)
    })
  }

  #isOld(at: number): boolean {
    return this.#options.timers.now() - at >= VALID_MS
  }
}

const keyOf = (peer: string, as: AllowRole): string => peer + as
