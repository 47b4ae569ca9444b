/**
 * Neighbours that were lost, their connection having broken, are asked again, ever less often: once the network between is whole
 * again they are found without the DHT, which may be out of reach itself, also by the parts of a swarm that is too small to
 * have others.
 */

import type { Timers } from "@topic-tracker/common"
import { firstOf, Signal } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, type Scope } from "effect"
import type { Tuning } from "../../config/Tuning.ts"
import { askSome, type Session } from "../Session.ts"
import { reconnectDelay } from "../schedules.ts"

/** A loss less than so many ms after another does not make the waits short again: no hot loop with a peer that hangs up. */
const STEADY_AFTER = 30_000

export interface ReconnectingOptions {
  readonly tuning: Tuning
  /** Who was lost; empty once one of them is back. */
  readonly lost: Map<EndpointId.EndpointId, unknown>
  /** Asks some of them. */
  readonly ask: Effect.Effect<void>
  readonly timers: Timers
  readonly scope: Scope.Scope
}

/** Asks lost neighbours again, in one fiber of the scope that is there while there are any. */
export class Reconnecting {
  readonly #options: ReconnectingOptions
  /** Opened when the waits begin again from the shortest. */
  readonly #afresh: Signal
  #isRunning = false
  /** How often lost neighbours were asked since the waits were shortest. */
  #round = 0
  /** In ms of the timers. */
  #lastLoss = Number.NEGATIVE_INFINITY

  constructor(options: ReconnectingOptions) {
    this.#options = options
    this.#afresh = new Signal(options.timers, false)
  }

  /** A neighbour was lost: they are asked after a while. */
  get soon(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.#options.timers.now()
      if (now - this.#lastLoss >= STEADY_AFTER) this.#beginAfresh()
      this.#lastLoss = now
      return this.#keepAsking
    })
  }

  /** Who was lost may be in reach: they are asked at once, and after the shortest wait again. */
  get now(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.#isWanted) return Effect.void
      this.#beginAfresh()
      return Effect.andThen(Effect.forkIn(this.#options.ask, this.#options.scope), this.#keepAsking)
    })
  }

  #beginAfresh(): void {
    this.#round = 0
    this.#afresh.open()
  }

  get #isWanted(): boolean {
    const { lost, tuning } = this.#options
    return tuning.reconnects && lost.size > 0
  }

  get #keepAsking(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isRunning || !this.#isWanted) return Effect.void
      this.#isRunning = true
      const stopped = Effect.sync(() => {
        this.#isRunning = false
      })
      return Effect.asVoid(Effect.forkIn(Effect.ensuring(this.#rounds, stopped), this.#options.scope))
    })
  }

  get #rounds(): Effect.Effect<void> {
    const { ask, lost, timers, tuning } = this.#options
    return Effect.gen({ self: this }, function* () {
      let beganAt = timers.now()
      while (lost.size > 0) {
        this.#afresh.close()
        yield* firstOf(timers, [this.#afresh], yield* reconnectDelay(tuning, this.#round))
        if (this.#afresh.isOpen) {
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

/**
 * Who is alone asks several to let it in; who has others asks one to be its neighbour, for then the swarm is mostly whole, and
 * who was lost has crashed.
 */
export const askLost = Effect.fnUntraced(function* (session: Session) {
  const { account, config, state } = session
  const isAlone = state.neighbors.size === 0
  const lost = [...state.lost.keys()]
  const most = Math.min(lost.length, isAlone ? config.join.maxJoinPeerCount : 1)
  account.counters.dials += most
  yield* askSome(session, isAlone ? "join" : "connect", lost, most, (peers) => ({ _tag: "Reconnecting", peers })).pipe(
    account.forgive("reconnect"),
  )
})
