/**
 * How a topic's use of the DHT is kept from growing with its swarm. All nodes of a topic share the slot of a minute, and it is
 * enough when a few records of well-connected nodes show there. So a node that has enough neighbours takes only some of its
 * turns: a fourth as many whenever it looked early in a minute and found that others had provided already, and all of them
 * again as soon as it found that nobody had. Nobody needs to know how many there are, and nobody stops entirely. Modelled on
 * Trickle (RFC 6206), with the slot in place of the radio.
 *
 * Where it rests: looks come at random, λ a minute by all nodes together. Its share of looks that are early and find a record
 * is about 1/4 − 1/λ, its share of those that find none 1/λ. The first add 2 to the logarithm of the stretch, the second take
 * all of it, s = log₂(stretch): so λ ≈ 4 + 2s, which is 10 looks a minute at N = 100 and some 20 at N = 10,000. Swarms of up
 * to ten nodes look no more often than that to begin with, and are left alone.
 */
import { Effect, Random } from "effect"
import { intoMinute } from "../schedules.ts"

/** How many ms of a minute count as early. */
const EARLY = 15_000
/** How much rarer turns become after a look that was not needed. */
const FACTOR = 4

export class Thinning {
  readonly #most: number
  #stretch = 1

  /** `most`: at least one of so many turns is taken, on average; 1 takes them all. */
  constructor(most: number) {
    this.#most = most
  }

  /** Of so many turns one is taken, on average. */
  get stretch(): number {
    return this.#stretch
  }

  /** Whether to take the turn that has come. */
  readonly takesTurn: Effect.Effect<boolean> = Effect.suspend(() =>
    this.#stretch === 1 ? Effect.succeed(true) : Effect.map(Random.next, (share) => share * this.#stretch < 1),
  )

  /** A look at this time (Unix ms) found that others provide. That says something only while the minute is young. */
  provided(now: number): void {
    if (intoMinute(now) < EARLY) this.#stretch = Math.min(this.#most, this.#stretch * FACTOR)
  }

  /** Nobody provides, or something may be wrong with this node's own place: every turn counts. */
  reset(): void {
    this.#stretch = 1
  }
}
