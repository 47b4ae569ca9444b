/**
 * How a topic's use of the DHT is kept from growing with its swarm. All nodes of a topic share the slot of a minute, and it is
 * enough when a few records of well-connected nodes show there. So a node that has enough neighbours takes only some of its
 * turns: half as many each time it looked and found that others provide, and many more as soon as it found that they do not.
 * Nobody needs to know how many there are, and nobody stops entirely. Modelled on Trickle (RFC 6206), with the slot in place of
 * the radio.
 *
 * Where it rests: a look that finds the minute's slot still empty of others (probability q) undoes `log2(BACK)` = 5 looks that
 * found something, so 5q = 1 − q. With looks coming at random at a rate of λ a minute, q = (1 − e^−λ)/λ, which gives λ ≈ 6 looks
 * a minute by all nodes together, however many they are, as long as no node is at its limit.
 */
import { Effect, Random } from "effect"

/** How much more often turns are taken after one that was needed. */
const BACK = 32

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

  /** The turn taken was not needed: others provide. */
  rarer(): void {
    this.#stretch = Math.min(this.#most, this.#stretch * 2)
  }

  /** The turn taken was needed. */
  oftener(): void {
    this.#stretch = Math.max(1, this.#stretch / BACK)
  }

  /** Something is wrong with this node's own place: every turn counts. */
  reset(): void {
    this.#stretch = 1
  }
}
