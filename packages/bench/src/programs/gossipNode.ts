/** A gossip node on loopback for benchmarks, whose peers are told and not looked up. */
import { Crypto, type EndpointId, Identity, TopicId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Context, Effect, Layer } from "effect"

export const topicId = TopicId.fromName("bench")

/** A node in the topic; `peer` is a node to join, and where it is. */
export const makeNode = Effect.fnUntraced(function* (peer?: {
  readonly id: EndpointId.EndpointId
  readonly addresses: ReadonlyArray<string>
}) {
  const addresses = new Map<EndpointId.EndpointId, EndpointAddress>()
  if (peer !== undefined) addresses.set(peer.id, { relayUrl: undefined, direct: peer.addresses })
  const services = yield* Layer.build(
    Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
      Layer.provide(AddressLookup.layerShared(addresses)),
      Layer.provide(Identity.layerRandom()),
      Layer.provide(Crypto.layer()),
    ),
  )
  const gossip = Context.get(services, Gossip)
  const topic = yield* gossip.open(topicId)
  if (peer !== undefined) {
    yield* topic.join([peer.id])
    while ((yield* topic.neighbors).size === 0) yield* Effect.sleep(5)
  }
  return { id: gossip.endpointId, addresses: (yield* gossip.address).direct, topic, stats: gossip.stats }
})
