/** What happens in the course of a walk or a put of the simulated network, one thing after the other; times in ms from the beginning. */
import { Effect, Stream } from "effect"
import type { MutableItem } from "../Dht.ts"

interface Entry {
  readonly at: number
  readonly isLast: boolean
  readonly run: () => MutableItem | undefined
}

export class Agenda {
  /** By time; of the same time, those added first. */
  private readonly entries: Array<Entry> = []
  private now = 0

  /** To be done then; it may add to the agenda, and give an item. */
  add(at: number, run: Entry["run"]): void {
    this.insert({ at, run, isLast: false })
  }

  /** To be done then, after everything else of that time. */
  addLast(at: number, run: () => void): void {
    this.insert({ at, run: () => void run(), isLast: true })
  }

  private insert(added: Entry): void {
    const next = this.entries.findIndex(
      ({ at, isLast }) => at > added.at || (at === added.at && isLast && !added.isLast),
    )
    this.entries.splice(next < 0 ? this.entries.length : next, 0, added)
  }

  /** The items as they are given; ends when everything is done. */
  get items(): Stream.Stream<MutableItem> {
    return Stream.unfold(undefined, () =>
      Effect.map(this.next, (item) => (item === undefined ? undefined : ([item, undefined] as const))),
    )
  }

  /** Done when everything is, where nothing gives items. */
  get done(): Effect.Effect<void> {
    return Effect.asVoid(this.next)
  }

  /** The next item, when it is given; undefined when everything is done. */
  private readonly next = Effect.gen({ self: this }, function* () {
    for (let entry = this.entries.shift(); entry !== undefined; entry = this.entries.shift()) {
      // What is past already takes no time.
      const wait = entry.at - this.now
      if (wait > 0) {
        yield* Effect.sleep(wait)
        this.now = entry.at
      }
      const item = entry.run()
      if (item !== undefined) return item
    }
    return undefined
  })
}
