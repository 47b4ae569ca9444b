/**
 * The addresses of peers that came in records and over gossip. What a peer said of itself and what others said of it are two memories,
 * so that no peer can replace or push out the addresses that another peer gave. A plain value of bounded size, without clock.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { type EndpointAddress, isEmptyAddress, isSameAddress } from "../../AddressLookup.ts"
import type { AddressSource } from "../Transport.ts"

/** Peers in each of the two memories. The oldest entry is dropped first. */
const MAX_LEARNED_PEERS = 1_024

/** After this time the same address counts as news again, so that the address lookup learns how fresh it is. */
const FRESH_MS = 60_000

interface Entry {
  readonly address: EndpointAddress
  readonly learnedAt: number
}

export class LearnedAddresses {
  readonly #memories = {
    own: new BoundedMap<EndpointId.EndpointId, Entry>(MAX_LEARNED_PEERS),
    hearsay: new BoundedMap<EndpointId.EndpointId, Entry>(MAX_LEARNED_PEERS),
  }

  /** Remembers the address at time `now` (ms). Returns whether it is news. An empty address is none. */
  learn(peer: EndpointId.EndpointId, address: EndpointAddress, source: AddressSource, now: number): boolean {
    if (isEmptyAddress(address)) return false
    const memory = this.#memories[source]
    const before = memory.get(peer)
    if (before !== undefined && now - before.learnedAt < FRESH_MS && isSameAddress(before.address, address)) {
      return false
    }
    memory.set(peer, { address, learnedAt: now })
    return true
  }

  /** The latest address of the peer from this source. */
  get(peer: EndpointId.EndpointId, source: AddressSource): EndpointAddress | undefined {
    return this.#memories[source].get(peer)?.address
  }
}
