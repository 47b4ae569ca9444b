/**
 * Learns the public address of this node: each answer of a mainline node names the address from which our query came (BEP 42). One
 * node may lie, so that ten nodes in ten different networks of 65,536 addresses must agree. It knows no socket.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { DhtAddress } from "../model.ts"
import { ipv4, type ReachOf } from "./nodeId.ts"

/** Networks whose last vote is kept, and the votes for one address that are enough: also two thirds of those kept. */
const MAX_VOTES = 32
const ENOUGH_VOTES = 10

export class OwnAddress {
  readonly #reachOf: ReachOf
  /** The address that each network named last. */
  readonly #votes = new BoundedMap<number, number>(MAX_VOTES)

  constructor(reachOf: ReachOf) {
    this.#reachOf = reachOf
  }

  /** The node at `from` names our address, as compact bytes that may be followed by a port. Returns the host once it is certain. */
  addVote(from: DhtAddress, compact: Uint8Array): string | undefined {
    const voter = ipv4(from.host)
    if (voter === undefined || compact.length < 4) return undefined
    const address = new DataView(compact.buffer, compact.byteOffset).getUint32(0)
    if (this.#reachOf(voter) !== "public" || this.#reachOf(address) !== "public") return undefined
    this.#votes.set(voter >>> 16, address)
    let votes = 0
    for (const vote of this.#votes.values()) if (vote === address) votes++
    return votes >= ENOUGH_VOTES && 3 * votes >= 2 * this.#votes.size ? compact.subarray(0, 4).join(".") : undefined
  }
}
