/** A node with peer streams on loopback. It knows the addresses of the others, so that nothing is looked up. */
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import { type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Peers, type PeersLimitsInput } from "@topic-tracker/peers"
import { Context, Effect, Layer } from "effect"
import { loopbackGossip } from "../gossip/gossipNode.ts"

const addresses = new Map<EndpointId.EndpointId, EndpointAddress>()

/** A node that admits everybody. */
export const makePeerNode = Effect.fnUntraced(function* (limits: PeersLimitsInput = {}) {
  const services = yield* Layer.build(loopbackGossip(addresses))
  const gossip = Context.get(services, Gossip)
  addresses.set(gossip.endpointId, yield* gossip.address)
  const link = {
    endpointId: gossip.endpointId,
    connections: gossip.connections,
    gossipTopic: TopicId.fromName("bench").bytes,
    door: undefined,
    admits: () => Effect.succeed(true),
    ended: Effect.never,
  }
  return yield* Peers.make({ peerLink: Effect.succeed(link) }, { allow: () => Effect.succeed(true), limits })
})
