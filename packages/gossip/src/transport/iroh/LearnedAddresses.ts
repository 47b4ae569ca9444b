/** Where peers were last said to be, by other peers or in their own records: a bounded memory, the least recently told-of forgotten first. */
import type { EndpointId } from "@topic-tracker/crypto"
import { type EndpointAddress, isEmptyAddress } from "../../AddressLookup.ts"
import * as Addresses from "./addresses.ts"

const capacity = 1_024

/** More of one peer are not worth dialling. */
const maxDirect = 16

/** After this long the same news counts as news again, so that it can be told how fresh it is. */
const freshMs = 60_000

export class LearnedAddresses {
  private readonly known = new Map<EndpointId.EndpointId, { readonly address: EndpointAddress; readonly at: number }>()

  /** Remembers it. The address as remembered when it is news, undefined when the same was said a short while ago. */
  learn(peer: EndpointId.EndpointId, told: EndpointAddress, now: number): EndpointAddress | undefined {
    if (isEmptyAddress(told)) return undefined
    const address: EndpointAddress = { relayUrl: told.relayUrl, direct: told.direct.slice(0, maxDirect) }
    const before = this.known.get(peer)
    if (before !== undefined && now - before.at < freshMs && Addresses.same(before.address, address)) return undefined
    this.known.delete(peer)
    this.known.set(peer, { address, at: now })
    if (this.known.size > capacity) this.known.delete(this.known.keys().next().value!)
    return address
  }

  get(peer: EndpointId.EndpointId): EndpointAddress | undefined {
    return this.known.get(peer)?.address
  }
}
