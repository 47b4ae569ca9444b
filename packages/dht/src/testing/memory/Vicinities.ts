/**
 * The nodes around targets that a participant of the simulated network knows, and since when: for some minutes after a lookup, a put
 * to the target needs no lookup of its own.
 */
import { BoundedMap } from "@topic-tracker/common"

/** The result of a lookup of a target. */
export interface Vicinity {
  /** The beginning of the lookup, in ms of the clock. */
  readonly beganAt: number
  /**
   * For each node, closest first, the time by which it and all closer nodes had answered, in ms from the beginning: from then on
   * they can be put to.
   */
  readonly answeredBy: ReadonlyArray<number>
  /** The end of the lookup, in ms of the clock. */
  readonly overAt: number
  /** The time until which the tokens are accepted, in ms of the clock. */
  readonly until: number
  /** Whether a put uses the lookup, which then goes on when its get ends. */
  isPutTo: boolean
  /** Whether it was cut short, so that only the nearest nodes are known. */
  isCut: boolean
}

/** The shortest lifetime of tokens in BEP 5. */
const TOKEN_AGE_MS = 5 * 60_000

const MAX_TARGETS = 1024

export class Vicinities {
  readonly #byTarget = new BoundedMap<string, Vicinity>(MAX_TARGETS)
  /** The end of the first of all lookups. */
  #warmAt = Number.POSITIVE_INFINITY

  at(target: string): Vicinity | undefined {
    return this.#byTarget.get(target)
  }

  /** Whether no lookup is over yet, so that the next one must begin with the bootstrap nodes. */
  isCold(now: number): boolean {
    return this.#warmAt > now
  }

  /** Remembers a lookup that begins now and ends after `end` ms. */
  rememberLookup(target: string, now: number, answeredBy: ReadonlyArray<number>, end: number): void {
    const overAt = now + end
    this.#warmAt = Math.min(this.#warmAt, overAt)
    this.#byTarget.set(target, {
      beganAt: now,
      answeredBy,
      overAt,
      until: overAt + TOKEN_AGE_MS,
      isPutTo: false,
      isCut: false,
    })
  }
}

/** The time at which the `count` nearest nodes of a target have answered, in ms of the clock. */
export const nearestAt = ({ answeredBy, beganAt, overAt }: Vicinity, count: number): number => {
  const ms = answeredBy[count - 1]
  return ms === undefined ? overAt : beganAt + ms
}
