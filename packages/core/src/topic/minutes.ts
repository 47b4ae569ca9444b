/** Times within a minute, in Unix ms. Every minute of a topic has a slot of its own in the DHT. */

const MINUTE_MS = 60_000

/** The ms since the beginning of the minute. */
export const msIntoMinute = (now: number): number => now % MINUTE_MS

/** The beginning of a minute. */
export const startOfMinute = (unixMinute: bigint): number => Number(unixMinute) * MINUTE_MS

/** Until then a node that runs for some seconds may have a record in the minute before only, and that minute may still get records. */
const MINUTE_JUST_BEGAN_MS = 5_000

/** Whether the slot of the minute before still matters. */
export const hasMinuteJustBegun = (now: number): boolean => msIntoMinute(now) < MINUTE_JUST_BEGAN_MS

/** From then on a running topic mostly has a record in this minute. */
const MINUTE_HAS_RECORDS_MS = 15_000

/** Whether the slot of this minute alone mostly shows a running topic. */
export const hasMinuteRecords = (now: number): boolean => msIntoMinute(now) >= MINUTE_HAS_RECORDS_MS
