/**
 * Asks lost neighbours again, less often each time. When the network is whole again, its parts find each other without the DHT, which
 * may be unreachable itself. This also helps parts of a swarm that are too small to have other peers.
 */
import { firstOf, Signal, type Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Duration, Effect, type Scope } from "effect"
import type { Tuning } from "../../config/Tuning.ts"
import { backoffDelay } from "../delays.ts"

/** A loss within this time after another one does not shorten the waits: no hot loop with a peer that hangs up. */
const STEADY_AFTER_MS = 30_000

export interface ReconnectorOptions {
  readonly tuning: Tuning
  /** The lost neighbours. Empty as soon as one of them is back. */
  readonly lost: Map<EndpointId.EndpointId, unknown>
  /** Asks some of them. */
  readonly ask: Effect.Effect<void>
  readonly timers: Timers
  readonly scope: Scope.Scope
}

/** Runs one fiber in the scope while there are lost neighbours. */
export class Reconnector {
  readonly #options: ReconnectorOptions
  /** Opened when the waits start again from the shortest. */
  readonly #restarted: Signal
  #isRunning = false
  /** The number of rounds since the waits were shortest. */
  #round = 0
  /** In ms of the timers. */
  #lastLossAt = Number.NEGATIVE_INFINITY

  constructor(options: ReconnectorOptions) {
    this.#options = options
    this.#restarted = new Signal(options.timers, false)
  }

  /** A neighbour was lost: asks the lost neighbours after a wait. */
  onNeighborLost(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.#options.timers.now()
      if (now - this.#lastLossAt >= STEADY_AFTER_MS) this.#restartWaits()
      this.#lastLossAt = now
      return this.#keepAsking()
    })
  }

  /** Lost neighbours may be reachable: asks them at once, and again after the shortest wait. */
  askNow(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.#hasWork()) return Effect.void
      this.#restartWaits()
      return Effect.andThen(Effect.forkIn(this.#options.ask, this.#options.scope), this.#keepAsking())
    })
  }

  #restartWaits(): void {
    this.#round = 0
    this.#restarted.open()
  }

  #hasWork(): boolean {
    const { lost, tuning } = this.#options
    return tuning.reconnects && lost.size > 0
  }

  #keepAsking(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isRunning || !this.#hasWork()) return Effect.void
      this.#isRunning = true
      const stopped = Effect.sync(() => {
        this.#isRunning = false
      })
      return Effect.asVoid(Effect.forkIn(Effect.ensuring(this.#askRepeatedly(), stopped), this.#options.scope))
    })
  }

  #askRepeatedly(): Effect.Effect<void> {
    const { ask, lost, timers, tuning } = this.#options
    const [first, max] = [Duration.millis(tuning.reconnectFirstMs), Duration.millis(tuning.reconnectMaxMs)]
    return Effect.gen({ self: this }, function* () {
      let beganAt = timers.now()
      while (lost.size > 0) {
        this.#restarted.close()
        // With the random share the two ends of a broken connection rarely dial at the same time.
        yield* firstOf(timers, [this.#restarted], yield* backoffDelay(first, max, this.#round))
        if (this.#restarted.isOpen) {
          beganAt = timers.now()
          continue
        }
        this.#round++
        yield* ask
        if (timers.now() - beganAt >= tuning.reconnectGiveUpMs) lost.clear()
      }
    })
  }
}
