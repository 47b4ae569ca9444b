/**
 * The endpoints that the invitations of a topic's joins name, without this node. They are kept for all sessions of the topic: each search
 * dials them, beside the DHT.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { EndpointAddress } from "@topic-tracker/gossip"
import type { InvitePeer } from "../../invite/Invite.ts"

/** Those of four invitations. */
const MAX_PEERS = 16

export class InvitedPeers {
  readonly #self: EndpointId.EndpointId
  readonly #addresses = new BoundedMap<EndpointId.EndpointId, EndpointAddress>(MAX_PEERS)

  constructor(self: EndpointId.EndpointId, peers: ReadonlyArray<InvitePeer>) {
    this.#self = self
    this.add(peers)
  }

  get addresses(): ReadonlyMap<EndpointId.EndpointId, EndpointAddress> {
    return this.#addresses
  }

  /** Whether one of them is new. */
  add(peers: ReadonlyArray<InvitePeer>): boolean {
    const added = peers.filter(({ id }) => id !== this.#self && !this.#addresses.has(id))
    for (const { address, id } of added) this.#addresses.set(id, address)
    return added.length > 0
  }
}
