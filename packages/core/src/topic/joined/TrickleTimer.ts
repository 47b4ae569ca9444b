/**
 * Trickle suppression: keeps a topic's use of the DHT from growing with its swarm. All nodes of a topic share the slot of a minute, and
 * a few records of well-connected nodes are enough there. So a node that has enough neighbours runs only some of its rounds: a fourth
 * as many after each round that ran early in a minute and found a record of another node, and enough of them again after a round that found
 * none. No node needs to know the size of the swarm, and no node stops entirely. Modelled on RFC 6206 (Trickle), with the slot in place of
 * the radio.
 *
 * The equilibrium: rounds of all nodes together come at random, λ a minute. The share of rounds that are early and find a record is about
 * 1/4 − 1/λ, the share of rounds that find none 1/λ. The first kind adds 2 to s = log₂(factor), the second sets s to 0 (in a small swarm): so λ ≈ 4 + 2s.
 * That is 10 rounds a minute at N = 100 and some 20 at N = 10,000. Swarms of up to ten nodes run no more rounds than that anyway, and
 * are not affected.
 */
import { Effect, Random } from "effect"
import { msIntoMinute } from "../minutes.ts"

/** The part of a minute that counts as early. */
const EARLY_MS = 15_000
/** The factor by which rounds become rarer after one that was not needed. */
const SUPPRESSION = 4
/** Rounds of all members together, in the time of one round of a node (some 35 s), of which some find a record early in each minute. */
const ENOUGH_ROUNDS = 16

export class TrickleTimer {
  readonly #maxFactor: number
  #factor = 1
  /** Whether the last round found no record. */
  #foundNone = false

  /** `maxFactor`: at least one of this many rounds runs, on average; with 1 every round runs. */
  constructor(maxFactor: number) {
    this.#maxFactor = maxFactor
  }

  /** One of this many rounds runs, on average. */
  get factor(): number {
    return this.#factor
  }

  /** Whether to run the round that is due. */
  readonly shouldRun: Effect.Effect<boolean> = Effect.suspend(() =>
    this.#factor === 1 ? Effect.succeed(true) : Effect.map(Random.next, (share) => share * this.#factor < 1),
  )

  /** A round at this time (Unix ms) found records of other nodes. That counts only early in the minute. */
  othersPublished(now: number): void {
    this.#foundNone = false
    if (msIntoMinute(now) < EARLY_MS) this.#factor = Math.min(this.#maxFactor, this.#factor * SUPPRESSION)
  }

  /**
   * A round found no record of another node. Every round runs again in a small swarm; in a larger one as many as make
   * {@link ENOUGH_ROUNDS} of all members together, of whom this node knows `members`. If the round before found none either, lookups do not
   * see what those members put: the slot's nodes answer fewer queries than they get. Then rounds become rarer.
   */
  nonePublished(members: number): void {
    const enough = Math.max(1, members / ENOUGH_ROUNDS)
    this.#factor =
      this.#foundNone && enough > 1
        ? Math.min(this.#maxFactor, this.#factor * SUPPRESSION, members)
        : Math.min(this.#factor, enough)
    this.#foundNone = true
  }

  /** Something may be wrong with this node's place in the swarm: every round runs. */
  reset(): void {
    this.#factor = 1
  }
}
