/**
 * The cost of rejected envelopes for the neighbour that sent them. A neighbour that validates before it forwards never sends one, so it is let go soon;
 * one that does not (plain iroh-gossip) passes on the garbage of others, so it is only limited. Plain data, without a clock.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"

const REJECT_POINTS = 10
const POINTS_BACK_PER_MS = 1 / 1000
const LIMIT = 50
/**
 * A neighbour that reached the limit is refused at the door for so long.
 *
 * @since 0.1.0
 * @category constants
 */
export const BAN_MS = 10 * 60_000
/**
 * The same for one that does not validate.
 *
 * @since 0.1.0
 * @category constants
 */
export const SHORT_BAN_MS = 60_000
const PLAIN_REJECTS = 64
const PLAIN_WINDOW_MS = 10_000
/** Scores are kept for neighbours that left: at most so many. */
const MAX_SCORES = 1024

interface Score {
  points: number
  at: number
  plainRejects: number
  plainSince: number
}

/**
 * The scores of a topic's neighbours, by endpoint id.
 *
 * @since 0.1.0
 * @category models
 */
export class NeighborScore {
  readonly #scores = new BoundedMap<string, Score>(MAX_SCORES)

  /** The neighbour sent a rejected envelope. The time in ms for which it is to be let go and refused, or undefined if it stays. */
  noteReject(peer: string, validates: boolean, now: number): number | undefined {
    const score = this.#scores.get(peer) ?? { points: 0, at: now, plainRejects: 0, plainSince: now }
    this.#scores.set(peer, score)
    if (!validates) {
      if (now - score.plainSince >= PLAIN_WINDOW_MS) {
        score.plainSince = now
        score.plainRejects = 0
      }
      score.plainRejects++
      return score.plainRejects > PLAIN_REJECTS ? SHORT_BAN_MS : undefined
    }
    score.points = Math.max(0, score.points - (now - score.at) * POINTS_BACK_PER_MS) + REJECT_POINTS
    score.at = now
    return score.points >= LIMIT ? BAN_MS : undefined
  }
}
