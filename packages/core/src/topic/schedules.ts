/**
 * When a topic does things: its rhythms. Chance comes from Effect's Random, so a seed repeats it. Waits
 * are whole milliseconds: under TestClock the time of day is then a whole number, as programs have it from a real clock.
 */
import { Duration, Effect, Random, Schedule } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { Tuning } from "../config/Tuning.ts"

/** A base interval below this counts as this (distributed-topic-tracker, in each of its workers). */
const LEAST_INTERVAL = Duration.seconds(1)

/**
 * A background worker: first after the initial delay, then always after the base interval and a random share of the jitter,
 * counted from the end of the last run.
 */
export const workerSchedule = (
  initialDelay: Duration.Duration,
  baseInterval: Duration.Duration,
  maxJitter: Duration.Duration,
): Schedule.Schedule<number> => {
  const base = Duration.max(baseInterval, LEAST_INTERVAL)
  return Schedule.fromStepWithMetadata(
    Effect.succeed(({ attempt }: { readonly attempt: number }) =>
      attempt === 1
        ? Effect.succeed([attempt, initialDelay])
        : Effect.map(Random.next, (share) => [
            attempt,
            wholeMillis(Duration.sum(base, Duration.times(maxJitter, share))),
          ]),
    ),
  )
}

/** A single run: after the interval and a random share of as much again. */
export const onceAfter = (interval: Duration.Duration): Schedule.Schedule<number> =>
  Schedule.recurs(1).pipe(Schedule.addDelay(() => upToTwice(interval)))

/** Before our record is put again for the first time, and at the most. */
const PUT_AGAIN_AFTER = Duration.seconds(4)
const PUT_AGAIN_MOST = Duration.seconds(16)

/** The wait, in ms, before the record of a node that is alone among others that are alone is put again. */
export const putAgainDelay = (putsAgain: number): Effect.Effect<number> =>
  backOff(PUT_AGAIN_AFTER, PUT_AGAIN_MOST, putsAgain)

/** The wait, in ms, before lost neighbours are asked again. Chance parts the two ends of a broken connection, and all of a cut. */
export const reconnectDelay = ({ reconnectFirstMs, reconnectMaxMs }: Tuning, round: number): Effect.Effect<number> =>
  backOff(Duration.millis(reconnectFirstMs), Duration.millis(reconnectMaxMs), round)

/** How much of its minute is over at a time of the clock, in ms. */
export const intoMinute = (now: number): number => now % 60_000

/** When a minute begins, in Unix ms. */
export const startOf = (unixMinute: bigint): number => Number(unixMinute) * 60_000

/** ms into a minute; until then who was there a few seconds ago may show in the one before, whose records may yet be put. */
const MINUTE_TURNS = 5_000

/** Whether the minute before is not yet done with. */
export const minuteTurns = (now: number): boolean => intoMinute(now) < MINUTE_TURNS

/** ms into a minute; from then on a running topic mostly shows in it. */
const MINUTE_SHOWS = 15_000

/** Whether a look into this minute alone mostly shows who runs. */
export const minuteShows = (now: number): boolean => intoMinute(now) >= MINUTE_SHOWS

/** What a look into the DHT came to, as far as the next one's time is concerned. */
export type LookOutcome = "nothing" | "peers"

/** The options and the tuning on which the waits of a search depend. */
export interface PollSettings {
  readonly config: Pick<TopicConfig, "bootstrap">
  readonly tuning: Tuning
}

/** How far the waits of a search have grown. */
export interface PollRhythm {
  /** Waits since it began, or began afresh. */
  readonly waits: number
  /** Of these, the last in a row that were as long as the reference's and after a look that found nothing. */
  readonly alone: number
}

export const firstPoll: PollRhythm = { waits: 0, alone: 0 }

/** By how much each wait of a node that stays alone is longer than the last. */
const SLOWING = 1.1

/**
 * The wait before the next look of a node that has no neighbour, in ms: short at first, each longer than the last and none like
 * another, up to the reference's intervals, which are different ones after a look that found peers and one that found nothing.
 * From there those after nothing go on growing, slowly. A function and no Schedule: idle topics wait some twenty times a minute.
 */
export const pollDelay = (
  settings: PollSettings,
  { waits, alone }: PollRhythm,
  outcome: LookOutcome,
): Effect.Effect<number> => {
  const { bootstrap } = settings.config
  const { pollJitter, slowPollMs } = settings.tuning
  const regular = Duration.toMillis(bootstrap.noPeersRetryInterval)
  const slow = Math.min(regular * SLOWING ** alone, Math.max(slowPollMs, regular))
  const longest = outcome === "peers" ? Duration.toMillis(bootstrap.discoveryPollInterval) : slow
  return Effect.map(Random.nextBetween(1 - pollJitter, 1 + pollJitter), (factor) =>
    Math.round(Math.min(grown(settings, waits), longest) * factor),
  )
}

export const nextPoll = (settings: PollSettings, rhythm: PollRhythm, outcome: LookOutcome): PollRhythm => ({
  waits: rhythm.waits + 1,
  alone: outcome === "peers" || isEarly(settings, rhythm) ? 0 : rhythm.alone + 1,
})

/** Whether the waits of {@link pollDelay} have yet to grow to the reference's. */
export const isEarly = (settings: PollSettings, { waits }: PollRhythm): boolean =>
  grown(settings, waits) < Duration.toMillis(settings.config.bootstrap.noPeersRetryInterval)

const grown = ({ tuning }: PollSettings, waits: number): number => tuning.fastPollMs * tuning.pollGrowth ** waits

/** A wait, in ms: doubled each time, up to the longest, and made up to twice as long by chance. */
const backOff = (first: Duration.Duration, longest: Duration.Duration, before: number): Effect.Effect<number> =>
  Effect.map(upToTwice(Duration.min(Duration.times(first, 2 ** Math.min(before, 30)), longest)), Duration.toMillis)

const upToTwice = (interval: Duration.Duration): Effect.Effect<Duration.Duration> =>
  Effect.map(Random.next, (share) => wholeMillis(Duration.times(interval, 1 + share)))

const wholeMillis = (duration: Duration.Duration): Duration.Duration =>
  Duration.millis(Math.round(Duration.toMillis(duration)))
