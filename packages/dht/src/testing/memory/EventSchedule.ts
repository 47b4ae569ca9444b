/** The events of one lookup or put in the simulated network, in the order of their times; times in ms from the beginning. */
import { Effect, Stream } from "effect"
import type { MutableItem } from "../../model.ts"

interface Entry {
  readonly at: number
  readonly isLast: boolean
  readonly run: () => MutableItem | undefined
}

export class EventSchedule {
  /** Ordered by time; entries of the same time in the order of adding. */
  readonly #entries: Array<Entry> = []
  #now = 0

  /** `run` runs at this time. It may add further events, and may return an item. */
  add(at: number, run: Entry["run"]): void {
    this.#insert({ at, run, isLast: false })
  }

  /** `run` runs at this time, after all other events of that time. */
  addLast(at: number, run: () => void): void {
    this.#insert({ at, run: () => void run(), isLast: true })
  }

  #insert(added: Entry): void {
    const next = this.#entries.findIndex(
      ({ at, isLast }) => at > added.at || (at === added.at && isLast && !added.isLast),
    )
    this.#entries.splice(next < 0 ? this.#entries.length : next, 0, added)
  }

  /** The items, each at its time. Ends after the last event. */
  get items(): Stream.Stream<MutableItem> {
    return Stream.unfold(undefined, () =>
      Effect.map(this.#next, (item) => (item === undefined ? undefined : ([item, undefined] as const))),
    )
  }

  /** Completes after the last event, for events that return no items. */
  get done(): Effect.Effect<void> {
    return Effect.asVoid(this.#next)
  }

  /** The next item, at its time; undefined after the last event. */
  readonly #next = Effect.gen({ self: this }, function* () {
    for (let entry = this.#entries.shift(); entry !== undefined; entry = this.#entries.shift()) {
      // Events of the past take no time.
      const wait = entry.at - this.#now
      if (wait > 0) {
        yield* Effect.sleep(wait)
        this.#now = entry.at
      }
      const item = entry.run()
      if (item !== undefined) return item
    }
    return undefined
  })
}
