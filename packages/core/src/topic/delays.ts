/**
 * Waits with a random share, from Effect's Random: a seed repeats them. Waits are whole milliseconds, so that the time of day is a
 * whole number under TestClock, as it is on a real clock.
 */
import { Duration, Effect, Random } from "effect"

/** The wait in ms after `before` earlier waits: doubled each time up to `max`, then up to twice as long at random. */
export const backoffDelay = (first: Duration.Duration, max: Duration.Duration, before: number): Effect.Effect<number> =>
  Effect.map(upToTwice(Duration.min(Duration.times(first, 2 ** Math.min(before, 30)), max)), Duration.toMillis)

/** The interval, made up to twice as long at random. */
export const upToTwice = (interval: Duration.Duration): Effect.Effect<Duration.Duration> =>
  Effect.map(Random.next, (share) => wholeMillis(Duration.times(interval, 1 + share)))

/** The duration, rounded to whole ms. */
export const wholeMillis = (duration: Duration.Duration): Duration.Duration =>
  Duration.millis(Math.round(Duration.toMillis(duration)))
