/** A process of its own that joins a topic at a peer on loopback and stays until it is killed: TOPIC PEER ADDRESS. */
import { Crypto, EndpointId, Identity, TopicId } from "@topic-tracker/crypto"
import { Effect, Layer, Schema } from "effect"
import { AddressLookup, Gossip } from "../../src/index.ts"

const [topic = "", peer = "", address = ""] = process.argv.slice(2)
const peerId = Schema.decodeSync(EndpointId.EndpointId)(peer)

await Gossip.pipe(
  Effect.flatMap((gossip) => gossip.open(TopicId.fromName(topic))),
  Effect.flatMap((member) => member.join([peerId])),
  Effect.andThen(Effect.never),
  Effect.scoped,
  Effect.provide(
    Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
      Layer.provide(AddressLookup.layerStatic(new Map([[peerId, { relayUrl: undefined, direct: [address] }]]))),
      Layer.provide(Identity.layerRandom()),
      Layer.provide(Crypto.layer()),
    ),
  ),
  Effect.runPromise,
)
