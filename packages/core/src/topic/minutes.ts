/** Times within a minute, in Unix ms. Every minute of a topic has a slot of its own in the DHT. */

const MINUTE_MS = 60_000

/** The ms since the beginning of the minute. */
export const msIntoMinute = (now: number): number => now % MINUTE_MS

/** The beginning of a minute. */
export const startOfMinute = (unixMinute: bigint): number => Number(unixMinute) * MINUTE_MS

/** In a younger minute a node that already runs may have no record yet, and the minute before may still get records. */
const MINUTE_JUST_BEGAN_MS = 5_000

/** Whether the minute is so young that the slot of the minute before still matters. */
export const hasMinuteJustBegun = (now: number): boolean => msIntoMinute(now) < MINUTE_JUST_BEGAN_MS

/** In an older minute a running topic usually has a record. */
const MINUTE_HAS_RECORDS_MS = 15_000

/** Whether the slot of this minute alone is usually enough to find a running topic. */
export const hasMinuteRecords = (now: number): boolean => msIntoMinute(now) >= MINUTE_HAS_RECORDS_MS
