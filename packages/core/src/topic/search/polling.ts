/**
 * The waits between the lookups of a node that has no neighbour: short at first, then longer each time, up to the crate's intervals.
 * Plain functions and no Schedule: an idle topic waits some twenty times a minute.
 */
import { Duration, Effect, Random } from "effect"
import type { TopicConfig } from "../../config/TopicConfig.ts"
import type { Tuning } from "../../config/Tuning.ts"

/** The result of a lookup, as far as the next wait depends on it. */
export type LookupOutcome = "nothing" | "peers" | "refused"

/** The options and the tuning on which the waits of a search depend. */
export interface PollSettings {
  readonly config: Pick<TopicConfig, "bootstrap">
  readonly tuning: Tuning
}

/** The growth of a search's waits so far. */
export interface PollRhythm {
  /** The number of waits since the search started or restarted. */
  readonly waits: number
  /** The number of waits at the end that were as long as the crate's and followed a lookup without records. */
  readonly alone: number
  /** The number of waits at the end that followed a lookup whose peers refused us. */
  readonly refused: number
}

export const FIRST_POLL: PollRhythm = { waits: 0, alone: 0, refused: 0 }

/** The factor from one wait to the next for a node that stays alone, once the wait is as long as the crate's. */
const ALONE_GROWTH = 1.1

/** The factor from one wait to the next while peers answer that they have no place, and the longest such wait, in ms. */
const REFUSED_GROWTH = 1.5
const MAX_REFUSED_MS = 60_000

/**
 * The wait before the next lookup, in ms. It grows to `noPeersRetryInterval` after a lookup without records, and from there slowly on;
 * to `discoveryPollInterval` after a lookup with records, and up to a minute while the peers of records have no place for us. With the jitter, nodes that started together do not poll together.
 */
export const pollDelay = (
  settings: PollSettings,
  { waits, alone, refused }: PollRhythm,
  outcome: LookupOutcome,
): Effect.Effect<number> => {
  const { bootstrap } = settings.config
  const { pollJitter, slowPollMs } = settings.tuning
  const regular = Duration.toMillis(bootstrap.noPeersRetryInterval)
  const slow = Math.min(regular * ALONE_GROWTH ** alone, Math.max(slowPollMs, regular))
  const found = Duration.toMillis(bootstrap.discoveryPollInterval)
  const crowded = Math.min(found * REFUSED_GROWTH ** refused, Math.max(found, MAX_REFUSED_MS))
  const longest = outcome === "nothing" ? slow : outcome === "peers" ? found : crowded
  return Effect.map(Random.nextBetween(1 - pollJitter, 1 + pollJitter), (factor) =>
    Math.round(Math.min(grownDelay(settings, waits), longest) * factor),
  )
}

/** The rhythm after one more lookup. */
export const nextPoll = (settings: PollSettings, rhythm: PollRhythm, outcome: LookupOutcome): PollRhythm => ({
  waits: rhythm.waits + 1,
  alone: outcome !== "nothing" || isEarly(settings, rhythm) ? 0 : rhythm.alone + 1,
  refused: outcome === "refused" && !isEarly(settings, rhythm) ? rhythm.refused + 1 : 0,
})

/** Whether the waits of {@link pollDelay} are still shorter than the crate's. */
export const isEarly = (settings: PollSettings, { waits }: PollRhythm): boolean =>
  grownDelay(settings, waits) < Duration.toMillis(settings.config.bootstrap.noPeersRetryInterval)

const grownDelay = ({ tuning }: PollSettings, waits: number): number => tuning.fastPollMs * tuning.pollGrowth ** waits
