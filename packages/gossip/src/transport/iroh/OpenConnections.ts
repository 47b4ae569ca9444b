/**
 * All open connections of an endpoint, with a limit for all and one for each network. When there is no room, the oldest accepted
 * connection that is not in use gives way to a new one. It closes connections and knows nothing else of them.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Network } from "./Admission.ts"

/** Connections of the endpoint at a time. */
const MAX_CONNECTIONS = 8_192

/** A connection as this collection sees it. */
export interface OpenConnection {
  readonly remoteId: EndpointId.EndpointId
  readonly giveUp: () => void
}

export class OpenConnections<C extends OpenConnection> {
  /** Connections that gave way to new ones. */
  replaced = 0
  readonly #isInUse: (connection: C) => boolean
  /** Accepted connections have the network that they came from. In the order of their age. */
  readonly #all = new Map<C, Network | undefined>()
  readonly #ofNetwork = new Map<string, Set<C>>()

  constructor(isInUse: (connection: C) => boolean) {
    this.#isInUse = isInUse
  }

  /** All connections. */
  get all(): Iterable<C> {
    return this.#all.keys()
  }

  /** Adds a connection that we dialled. */
  addDialled(connection: C): void {
    this.#all.set(connection, undefined)
  }

  /** Adds an accepted connection, in the place of another if there is no room. Returns false if no other can give way. */
  addAccepted(connection: C, network: Network): boolean {
    const neighbors = this.#ofNetwork.get(network.key) ?? new Set<C>()
    if (neighbors.size >= network.limits.connections && !this.#replaceOldest(neighbors)) return false
    if (this.#all.size >= MAX_CONNECTIONS && !this.#replaceOldest(this.#accepted())) return false
    this.#all.set(connection, network)
    this.#ofNetwork.set(network.key, neighbors.add(connection))
    return true
  }

  /** Call this when a connection is gone. */
  remove(connection: C): void {
    const network = this.#all.get(connection)
    this.#all.delete(connection)
    if (network === undefined) return
    const neighbors = this.#ofNetwork.get(network.key)
    neighbors?.delete(connection)
    if (neighbors?.size === 0) this.#ofNetwork.delete(network.key)
  }

  *#accepted(): Iterable<C> {
    for (const [connection, network] of this.#all) if (network !== undefined) yield connection
  }

  #replaceOldest(among: Iterable<C>): boolean {
    for (const connection of among) {
      if (this.#isInUse(connection)) continue
      this.replaced++
      this.remove(connection)
      connection.giveUp()
      return true
    }
    return false
  }
}
