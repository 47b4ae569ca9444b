/**
 * What is known of the addresses of peers, and since when: told by gossip, or read from the DHT. A plain value without clock
 * or network, bounded in size; what is too old is not given out.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { EndpointAddress } from "@topic-tracker/gossip"

interface Entry {
  learned?: { readonly address: EndpointAddress; readonly at: number }
  /** `since`: when the peer published it, by its own clock but never after `at`; `at`: when it was read. */
  found?: { readonly address: EndpointAddress; readonly seq: bigint; readonly since: number; readonly at: number }
}

/** Times and lengths of time in milliseconds. */
export interface AddressBookOptions {
  /** How long what gossip told is given out. */
  readonly learnedFor: number
  /** How long a DHT answer spares the next walk. */
  readonly foundFor: number
  /** The most peers that are remembered; the one that was heard of longest ago goes first. */
  readonly capacity: number
}

export class AddressBook {
  readonly #entries: BoundedMap<EndpointId.EndpointId, Entry>
  readonly #options: AddressBookOptions

  constructor(options: AddressBookOptions) {
    this.#options = options
    this.#entries = new BoundedMap(options.capacity)
  }

  /** How many peers are remembered. */
  get size(): number {
    return this.#entries.size
  }

  /** Notes what gossip told of a peer. */
  learn(peer: EndpointId.EndpointId, address: EndpointAddress, now: number): void {
    this.#touch(peer).learned = { address, at: now }
  }

  /**
   * Notes an item read from the DHT, and gives the address of the highest seq (microseconds since 1970) that was ever read:
   * this one, or a known one, which then counts as read now.
   */
  find(peer: EndpointId.EndpointId, address: EndpointAddress, seq: bigint, now: number): EndpointAddress {
    const entry = this.#touch(peer)
    const known = entry.found
    if (known !== undefined && known.seq >= seq) {
      entry.found = { ...known, at: now }
    } else {
      entry.found = { address, seq, since: Math.min(Number(seq / 1000n), now), at: now }
    }
    return entry.found.address
  }

  /** Whether a DHT answer is known that is recent enough to spare a walk. */
  isFound(peer: EndpointId.EndpointId, now: number): boolean {
    const found = this.#entries.get(peer)?.found
    return found !== undefined && isWithin(found.at, now, this.#options.foundFor)
  }

  /** What is known and not too old, the freshest first. */
  lookup(peer: EndpointId.EndpointId, now: number): ReadonlyArray<EndpointAddress> {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return []
    const learned =
      entry.learned !== undefined && isWithin(entry.learned.at, now, this.#options.learnedFor)
        ? entry.learned
        : undefined
    const found = this.isFound(peer, now) ? entry.found : undefined
    if (learned === undefined) return found === undefined ? [] : [found.address]
    if (found === undefined) return [learned.address]
    return learned.at >= found.since ? [learned.address, found.address] : [found.address, learned.address]
  }

  #touch(peer: EndpointId.EndpointId): Entry {
    const entry = this.#entries.get(peer) ?? {}
    this.#entries.set(peer, entry)
    return entry
  }
}

/** Whether it is less than so many ms ago. What has yet to come is not: then the clock was set back, and nobody knows how old it is. */
const isWithin = (at: number, now: number, millis: number): boolean => at <= now && now - at < millis
