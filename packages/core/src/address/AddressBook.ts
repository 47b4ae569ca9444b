/**
 * The known addresses of peers, each with its time: learned from records and gossip, or found in the DHT. A plain value of
 * bounded size, without clock or network. It does not give out addresses that are too old.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { EndpointAddress } from "@topic-tracker/gossip"

interface Entry {
  learned?: { readonly address: EndpointAddress; readonly at: number }
  /** `since`: when the peer published it, by its own clock but never after `at`; `at`: when it was read. */
  found?: { readonly address: EndpointAddress; readonly seq: bigint; readonly since: number; readonly at: number }
}

/** Times in ms. */
export interface AddressBookOptions {
  /** The time for which learned addresses are given out. */
  readonly learnedFor: number
  /** The time for which an answer of the DHT is used without a new lookup. */
  readonly foundFor: number
  /** The maximum number of peers. The one that was added longest ago is dropped first. */
  readonly capacity: number
}

export class AddressBook {
  readonly #entries: BoundedMap<EndpointId.EndpointId, Entry>
  readonly #options: AddressBookOptions

  constructor(options: AddressBookOptions) {
    this.#options = options
    this.#entries = new BoundedMap(options.capacity)
  }

  /** The number of peers. */
  get size(): number {
    return this.#entries.size
  }

  /** Adds addresses learned from a record or from gossip. */
  addLearned(peer: EndpointId.EndpointId, address: EndpointAddress, now: number): void {
    this.#touch(peer).learned = { address, at: now }
  }

  /**
   * Adds an item found in the DHT. Returns the address with the highest seq (microseconds since 1970) so far: this one, or a known one,
   * which then counts as found now.
   */
  addFound(peer: EndpointId.EndpointId, address: EndpointAddress, seq: bigint, now: number): EndpointAddress {
    const entry = this.#touch(peer)
    const known = entry.found
    if (known !== undefined && known.seq >= seq) {
      entry.found = { ...known, at: now }
    } else {
      entry.found = { address, seq, since: Math.min(Number(seq / 1000n), now), at: now }
    }
    return entry.found.address
  }

  /** Whether there is an answer of the DHT that needs no new lookup. */
  hasFreshAnswer(peer: EndpointId.EndpointId, now: number): boolean {
    const found = this.#entries.get(peer)?.found
    return found !== undefined && isWithin(found.at, now, this.#options.foundFor)
  }

  /** The addresses that are not too old, the newest first. */
  addressesOf(peer: EndpointId.EndpointId, now: number): ReadonlyArray<EndpointAddress> {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return []
    const learned =
      entry.learned !== undefined && isWithin(entry.learned.at, now, this.#options.learnedFor)
        ? entry.learned
        : undefined
    const found = this.hasFreshAnswer(peer, now) ? entry.found : undefined
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

/** Whether the time is less than `millis` ago. A future time is not: the clock was set back, so the age is unknown. */
const isWithin = (at: number, now: number, millis: number): boolean => at <= now && now - at < millis
