/**
 * The connections whose door is not open yet. Each has no streams but its door, and little time; one host has few of them, and in all there are
 * not many. The oldest gives way to a new one.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import type { Connection } from "../transport/Transport.ts"
import { DOOR_MS } from "./Door.ts"

/** In all, and of one host's network. */
const MAX_CONNECTIONS = 64
const MAX_OF_NETWORK = 4

export class UnprovenConnections {
  readonly #timers: Timers
  /** The oldest first. */
  readonly #connections = new Map<Connection, Timer>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Watches the connection until {@link remove}. */
  add(connection: Connection): void {
    connection.limitStreams({ uni: 0, bi: 1 })
    connection.onClosed(() => this.remove(connection))
    this.#connections.set(
      connection,
      this.#timers.schedule(DOOR_MS + 1_000, () => this.#giveUp(connection)),
    )
    const { remoteNetwork } = connection
    if (remoteNetwork !== undefined) {
      const ofNetwork = [...this.#connections.keys()].filter((each) => each.remoteNetwork === remoteNetwork)
      if (ofNetwork.length > MAX_OF_NETWORK) this.#giveUp(ofNetwork[0]!)
    }
    if (this.#connections.size > MAX_CONNECTIONS) this.#giveUp(this.#connections.keys().next().value!)
  }

  /** The door opened, or the connection is gone. */
  remove(connection: Connection): void {
    const timer = this.#connections.get(connection)
    if (timer === undefined) return
    this.#timers.cancel(timer)
    this.#connections.delete(connection)
  }

  #giveUp(connection: Connection): void {
    this.remove(connection)
    connection.close()
  }
}
