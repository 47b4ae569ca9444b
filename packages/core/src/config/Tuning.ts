/**
 * Timing that follows from the option `profile` and is no option of its own: these values need measurements of a whole swarm. "fast" is
 * this library's timing; "reference" is the timing of the crate distributed-topic-tracker 0.3.5, which has none of these mechanisms.
 *
 * Tests and simulations change single values through {@link TuningOverrides}. It knows no topic and no clock. Times are in ms.
 */
import { Context } from "effect"

/**
 * The values behind a profile.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tuning {
  /**
   * First wait between two lookups of a node without neighbours. Each wait is `pollGrowth` times the one before, until it
   * reaches `bootstrap.noPeersRetryInterval` or `bootstrap.discoveryPollInterval`. Infinity: those intervals from the start.
   */
  readonly fastPollMs: number
  /**
   * Longest wait between two lookups while a node stays alone and finds no record. Waits grow to it slowly. A value that is not
   * above `bootstrap.noPeersRetryInterval` keeps that interval.
   */
  readonly slowPollMs: number
  /** Factor from one wait to the next, at least 1. */
  readonly pollGrowth: number
  /** Random share by which each wait between two lookups is longer or shorter, 0 to 1. */
  readonly pollJitter: number
  /** Nodes of a slot that most lookups ask after the first found nothing, 1 to 20. With 20 every lookup asks all. */
  readonly pollBreadth: number
  /**
   * Trickle suppression: a node with enough neighbours runs at least one of this many publish rounds while other nodes' records
   * are present. 1: every round.
   */
  readonly maxSuppression: number
  /** Wait before the first bubble merge, after joining, up to twice as long at random. 0: no early merge. */
  readonly earlyMergeMs: number
  /**
   * Wait until a node searches for members if none of its neighbours is known as one, up to twice as long at random. It doubles each time.
   * 0: no such search.
   */
  readonly memberSearchMs: number
  /** Whether a node dials neighbours again whose connection broke. */
  readonly reconnects: boolean
  /** Wait before lost neighbours are dialled again, up to twice as long at random. It doubles each time. */
  readonly reconnectFirstMs: number
  /** Longest wait of that kind. */
  readonly reconnectMaxMs: number
  /** Time after the last loss until lost neighbours are forgotten. */
  readonly reconnectGiveUpMs: number
}

/**
 * The timing of a topic: that of this library or that of the crate, see {@link Tuning}.
 *
 * @since 0.1.0
 * @category models
 */
export type Profile = "fast" | "reference"

export const tunings: Readonly<Record<Profile, Tuning>> = {
  fast: {
    fastPollMs: 50,
    slowPollMs: 5_000,
    pollGrowth: 1.5,
    pollJitter: 0.2,
    pollBreadth: 4,
    maxSuppression: 100,
    earlyMergeMs: 1_000,
    memberSearchMs: 2_000,
    reconnects: true,
    reconnectFirstMs: 1_000,
    reconnectMaxMs: 60_000,
    reconnectGiveUpMs: 3_600_000,
  },
  reference: {
    fastPollMs: Number.POSITIVE_INFINITY,
    slowPollMs: 0,
    pollGrowth: 1,
    pollJitter: 0,
    pollBreadth: 20,
    maxSuppression: 1,
    earlyMergeMs: 0,
    memberSearchMs: 0,
    reconnects: false,
    reconnectFirstMs: 1_000,
    reconnectMaxMs: 60_000,
    reconnectGiveUpMs: 3_600_000,
  },
}

/**
 * Single values that differ from the profile's. A tracker reads them when its layer is built.
 *
 * @since 0.1.0
 * @category services
 */
export const TuningOverrides = Context.Reference<Partial<Tuning>>("@topic-tracker/core/TuningOverrides", {
  defaultValue: () => ({}),
})

/** The tuning of a topic with this profile. */
export const tuningOf = (profile: Profile, overrides: Partial<Tuning> = {}): Tuning => ({
  ...tunings[profile],
  ...overrides,
})
