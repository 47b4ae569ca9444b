/** A node with peer streams on loopback. It knows the addresses of the others, so that nothing is looked up. */
import { Crypto, type EndpointId, Identity, TopicId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Peers, type PeersLimitsInput } from "@topic-tracker/peers"
import { Context, Effect, Layer } from "effect"

const addresses = new Map<EndpointId.EndpointId, EndpointAddress>()

/** A node that admits everybody. */
export const makePeerNode = Effect.fnUntraced(function* (limits: PeersLimitsInput = {}) {
  const services = yield* Layer.build(
    Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
      Layer.provide(AddressLookup.layerShared(addresses)),
      Layer.provide(Identity.layerRandom()),
      Layer.provide(Crypto.layer()),
    ),
  )
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
