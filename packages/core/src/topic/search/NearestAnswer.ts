/**
 * The answer of the DHT nodes nearest to a slot, as a value that one fiber waits for and a lookup gives. The first record of a search
 * waits for it: these nodes are the ones that will store it, so their records are the ones that it may replace.
 */
import { type Awaitable, Signal, type Timers } from "@topic-tracker/common"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"

export class NearestAnswer {
  readonly #answered: Signal
  #found: { readonly records: ReadonlyArray<GossipRecord>; readonly minutes: ReadonlyArray<bigint> } | undefined

  constructor(timers: Timers) {
    this.#answered = new Signal(timers, false)
  }

  /** Open once the nodes have answered. */
  get answered(): Awaitable {
    return this.#answered
  }

  /** Gives the records that the lookup of these minutes has found so far. Only the first call counts. */
  give(records: ReadonlyArray<GossipRecord>, minutes: ReadonlyArray<bigint>): void {
    if (this.#found !== undefined) return
    this.#found = { records: [...records], minutes }
    this.#answered.open()
  }

  /** The records found in this minute's slot; undefined if the slot was not read, or the nodes have not answered yet. */
  recordsOf(unixMinute: bigint): ReadonlyArray<GossipRecord> | undefined {
    if (this.#found === undefined || !this.#found.minutes.includes(unixMinute)) return undefined
    return this.#found.records.filter((record) => record.unixMinute === unixMinute)
  }
}
