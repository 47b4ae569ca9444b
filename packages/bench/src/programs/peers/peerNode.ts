/** A node with peer streams on loopback. It knows the addresses of the others, so that nothing is looked up. */
import type { EndpointId } from "@topic-tracker/crypto"
import { type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import type { PeersLimitsInput } from "@topic-tracker/peers"
import { Context, Effect, Layer } from "effect"
import { loopbackGossip } from "../gossip/gossipNode.ts"
import { peersOf } from "./peersOf.ts"

const addresses = new Map<EndpointId.EndpointId, EndpointAddress>()

/** A node as other processes need to know it. */
export type KnownNode = readonly [id: EndpointId.EndpointId, address: EndpointAddress]

/** The nodes that this process knows. */
export const knownNodes = (): ReadonlyArray<KnownNode> => [...addresses]

/** Nodes of other processes. */
export const knowNodes = (nodes: ReadonlyArray<KnownNode>): void => {
  for (const [id, address] of nodes) addresses.set(id, address)
}

/** A node that admits everybody. */
export const makePeerNode = Effect.fnUntraced(function* (limits: PeersLimitsInput = {}) {
  const services = yield* Layer.build(loopbackGossip(addresses))
  const gossip = Context.get(services, Gossip)
  addresses.set(gossip.endpointId, yield* gossip.address)
  return yield* peersOf({ id: gossip.endpointId, connections: gossip.connections }, limits)
})
