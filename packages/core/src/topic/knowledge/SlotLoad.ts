/**
 * How busy the DHT nodes of the topic's slot are. They belong to others and answer a limited rate of queries for everybody (libtorrent's
 * `dht_upload_rate_limit`). A lookup that most of them leave unanswered is no evidence of an empty slot, and more lookups would make it
 * worse: where many nodes arrive at once, a node that has neighbours lets those look that have none. This class is the one that decides
 * about that; the workers of a joined topic ask it.
 */
import { firstOf, type Timers } from "@topic-tracker/common"
import type { GetOptions } from "@topic-tracker/dht"
import { Duration, Effect } from "effect"
import { backoffDelay } from "../delays.ts"

/**
 * The slot is busy if of so many nodes, or more, so large a share was silent. On a bad network, where 29 % of the nodes asked answer, that is
 * so for one of twenty-five lookups of 20 nodes.
 */
const ASKED = 4
const SILENT_SHARE = 7 / 8
/** With so many nodes asked it is no chance any more. */
const MANY_ASKED = 8
/** With answers of at least so many nodes, and of half of those asked, the slot is not busy. */
const ENOUGH_ANSWERS = 4
/** The wait after a lookup that shows a busy slot, up to twice as long at random. Each further one that is no chance doubles it. */
const FIRST_WAIT = Duration.seconds(10)
const MAX_WAIT = Duration.seconds(160)

/** The option with which the DHT tells how a lookup went. */
interface Watched {
  readonly onOver: NonNullable<GetOptions["onOver"]>
}

export class SlotLoad {
  readonly #timers: Timers
  readonly #isUsed: boolean
  /** Until when the slot counts as busy, in ms of the timers. */
  #busyUntil = Number.NEGATIVE_INFINITY
  /** The number of waits since the slot was last seen to answer. */
  #waits = 0

  /** `isUsed`: otherwise the slot never counts as busy, as with the crate. */
  constructor(timers: Timers, isUsed = true) {
    this.#timers = timers
    this.#isUsed = isUsed
  }

  /** Whether lookups that can wait should wait. */
  get isBusy(): boolean {
    return this.#timers.now() < this.#busyUntil
  }

  /** Waits while the slot is busy. */
  readonly awaitTurn: Effect.Effect<void> = Effect.suspend(() =>
    this.isBusy
      ? Effect.andThen(firstOf(this.#timers, [], this.#busyUntil - this.#timers.now()), this.awaitTurn)
      : Effect.void,
  )

  /** Runs a lookup of the current minute's slot, and learns from it, also if it is interrupted. */
  watch<A, E, R>(lookup: (options: Watched) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      let learns: Effect.Effect<void> = Effect.void
      const onOver = (answered: number, silent: number) => {
        learns = this.#learn(answered, silent)
      }
      return Effect.ensuring(
        lookup({ onOver }),
        Effect.suspend(() => learns),
      )
    })
  }

  #learn(answered: number, silent: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const asked = answered + silent
      if (answered >= ENOUGH_ANSWERS && answered >= silent) {
        this.#busyUntil = Number.NEGATIVE_INFINITY
        this.#waits = 0
        return
      }
      // Lookups while the slot is busy, such as those of a search, do not lengthen the wait.
      if (!this.#isUsed || this.isBusy || asked < ASKED || silent < SILENT_SHARE * asked) return
      const isSure = asked >= MANY_ASKED
      this.#busyUntil = this.#timers.now() + (yield* backoffDelay(FIRST_WAIT, MAX_WAIT, isSure ? this.#waits : 0))
      if (isSure) this.#waits++
    })
  }
}
