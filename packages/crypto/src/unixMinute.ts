/**
 * The time slot of records: whole minutes since the Unix epoch, as a u64.
 */
import { Clock, Effect } from "effect"

/** The current minute by Effect's Clock. */
export const unixMinute: Effect.Effect<bigint> = Effect.map(Clock.currentTimeMillis, (ms) =>
  BigInt(Math.floor(ms / 60_000)),
)
