/** What happens in the course of a walk or a put of the simulated network, one thing after the other; times in ms from the beginning. */
import { Effect, Stream } from "effect"
import type { MutableItem } from "../Dht.ts"

interface Entry {
  readonly at: number
  readonly isLast: boolean
  readonly run: () => MutableItem | undefined
}

/** Sleeps until so many ms after its making; what is past already takes no time. */
export const timeline = () => {
  let now = 0
  return (at: number): Effect.Effect<void> => {
    const wait = at - now
    now = Math.max(now, at)
    return wait > 0 ? Effect.sleep(wait) : Effect.void
  }
}

export class Agenda {
  /** By time; of the same time, those added first. */
  private readonly entries: Array<Entry> = []

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
    const until = timeline()
    const { entries } = this
    return Stream.unfold(
      undefined,
      Effect.fnUntraced(function* () {
        for (let entry = entries.shift(); entry !== undefined; entry = entries.shift()) {
          yield* until(entry.at)
          const item = entry.run()
          if (item !== undefined) return [item, undefined] as const
        }
        return undefined
      }),
    )
  }
}
