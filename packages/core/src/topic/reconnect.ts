/**
 * Neighbours that were lost, their connection having broken, are asked again, ever less often: once the network between is whole
 * again they are found without the DHT, which may be out of reach itself, also by the parts of a swarm that is too small to
 * have others.
 */
import { Duration, Effect, Random } from "effect"
import type { Session } from "./Session.ts"
import { firstOf, Signal } from "./Signal.ts"
import { reconnectDelay } from "./schedules.ts"

/** Asks lost neighbours again, in one fiber of the session that is there while there are any. */
export class Reconnecting {
  readonly #session: Session
  readonly #again: Signal
  #isRunning = false

  constructor(session: Session) {
    this.#session = session
    this.#again = new Signal(session.timers, false)
  }

  /** Neighbours were lost, or may be in reach again: the waits begin again from the shortest. */
  get soon(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.#isWanted) return Effect.void
      this.#again.open()
      if (this.#isRunning) return Effect.void
      this.#isRunning = true
      const stopped = Effect.sync(() => {
        this.#isRunning = false
      })
      return Effect.asVoid(Effect.forkIn(Effect.ensuring(this.#rounds, stopped), this.#session.scope))
    })
  }

  /** The same, but they are asked at once. */
  get now(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#isWanted
        ? Effect.andThen(Effect.forkIn(askLost(this.#session), this.#session.scope), this.soon)
        : Effect.void,
    )
  }

  get #isWanted(): boolean {
    const { config, state } = this.#session
    return config.reconnect.enabled && state.lost.size > 0
  }

  get #rounds(): Effect.Effect<void> {
    const { config, state, timers } = this.#session
    return Effect.gen({ self: this }, function* () {
      let round = 0
      let beganAt = timers.now()
      while (state.lost.size > 0) {
        if (this.#again.isOpen) [round, beganAt] = [0, timers.now()]
        this.#again.close()
        // Not cut short is the first wait: while connections break all the time, the others would never be asked.
        const delay = yield* reconnectDelay(config.reconnect, round)
        yield* firstOf(timers, round === 0 ? [] : [this.#again], delay)
        if (round > 0 && this.#again.isOpen) continue
        yield* askLost(this.#session)
        round++
        if (timers.now() - beganAt >= Duration.toMillis(config.reconnect.giveUpAfter)) state.lost.clear()
      }
    })
  }
}

/**
 * Who is alone asks several to let it in; who has others asks one to be its neighbour, for then the swarm is mostly whole, and
 * who was lost has crashed.
 */
const askLost = Effect.fnUntraced(function* ({ account, config, gossip, state }: Session) {
  const isAlone = state.neighbors.size === 0
  const most = isAlone ? config.join.maxJoinPeerCount : 1
  const peers = (yield* Random.shuffle([...state.lost.keys()])).slice(0, most)
  if (peers.length === 0) return
  account.counters.dials += peers.length
  yield* account.tell({ _tag: "Reconnecting", peers })
  yield* (isAlone ? gossip.join : gossip.connect)(peers).pipe(
    Effect.timeout(config.timeouts.joinPeer),
    account.forgive("reconnect"),
  )
})
