/** A gossip node on loopback. It knows the address of the peer that it joins, so that nothing is looked up. */
import { Crypto, type EndpointId, Identity, TopicId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Context, Effect, Layer } from "effect"

const topicId = TopicId.fromName("bench")

export interface NodeAddress {
  readonly id: EndpointId.EndpointId
  readonly addresses: ReadonlyArray<string>
}

/** Gossip on loopback that knows these addresses. */
export const loopbackGossip = (addresses: Map<EndpointId.EndpointId, EndpointAddress>) =>
  Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
    Layer.provide(AddressLookup.layerShared(addresses)),
    Layer.provide(Identity.layerRandom()),
    Layer.provide(Crypto.layer()),
  )

/** A node in the topic. Waits until `peer` is its neighbour, if there is one. */
export const makeNode = Effect.fnUntraced(function* (peer?: NodeAddress) {
  const addresses = new Map<EndpointId.EndpointId, EndpointAddress>()
  if (peer !== undefined) addresses.set(peer.id, { relayUrl: undefined, direct: peer.addresses })
  const services = yield* Layer.build(loopbackGossip(addresses))
  const gossip = Context.get(services, Gossip)
  const topic = yield* gossip.open(topicId)
  if (peer !== undefined) {
    yield* topic.join([peer.id])
    while ((yield* topic.neighbors).size === 0) yield* Effect.sleep(5)
  }
  return {
    id: gossip.endpointId,
    addresses: (yield* gossip.address).direct,
    topic,
    stats: gossip.stats,
    connections: gossip.connections,
  }
})
