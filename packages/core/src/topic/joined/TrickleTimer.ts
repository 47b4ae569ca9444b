/**
 * Trickle suppression: keeps a topic's use of the DHT from growing with its swarm. All nodes of a topic share the slot of a minute, and
 * a few records of well-connected nodes are enough there. So a node that has enough neighbours runs few of its rounds once one of them has
 * found the record of another node, and enough of them again after a round that found none. No node needs to know the size of the swarm,
 * and no node stops entirely. Modelled on RFC 6206 (Trickle), with the slot in place of the radio.
 *
 * The equilibrium: a node that finds no record publishes, and goes on until it finds another node's record. So one or two nodes publish in
 * each minute, at some two rounds a minute each, and the others look whether that is still so. A node has some 1.7 rounds a minute, of which
 * it runs so many that all nodes together look some 40 times a minute, whatever their number: parts of a topic that never had links
 * find each other by such a look. Most of these looks ask the few nodes nearest to the slot.
 */
import { Effect, Random } from "effect"

/** Rounds of all nodes of a swarm together, in the time of one round of a node (some 35 s). */
const ROUNDS = 24
/** The factor by which rounds become rarer while lookups see nothing of what members put. */
const SUPPRESSION = 4
/** The same while something is wrong. */
const DOUBTING_ROUNDS = 48
/** In a swarm of up to so many nodes it is no wonder that none has published yet. */
const SMALL = 16

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

  /** A round found records of other nodes that lead to the swarm, which has so many nodes. */
  othersPublished(size: number): void {
    this.#foundNone = false
    this.#factor = Math.min(this.#maxFactor, Math.max(1, size / ROUNDS))
  }

  /**
   * A round found no record of another node. Every round runs again in a small swarm; in a larger one as many as make
   * {@link DOUBTING_ROUNDS} of all `members` together. If the round before found none either, lookups do not
   * see what those members put: the slot's nodes answer fewer queries than they get. Then rounds become rarer. Not if `hasOurs`: this node
   * has published in this minute, so the others need not.
   */
  nonePublished(members: number, hasOurs = false): void {
    const enough = enoughOf(members)
    if (this.#foundNone && members > SMALL && !hasOurs) {
      this.#factor = Math.min(this.#maxFactor, this.#factor * SUPPRESSION, members)
    } else this.#factor = Math.min(this.#factor, enough)
    this.#foundNone = true
  }

  /**
   * Records lead to peers that do not answer, or to nodes without neighbours: the swarm may be in parts, or the slot's nodes show old
   * records because they answer few queries. Enough rounds of all `members` together run.
   */
  doubt(members: number): void {
    this.#factor = Math.min(this.#factor, enoughOf(members))
  }

  /** This node's place in the swarm is not what it should be: every round runs. */
  reset(): void {
    this.#factor = 1
  }
}

const enoughOf = (members: number): number => Math.max(1, members / DOUBTING_ROUNDS)
