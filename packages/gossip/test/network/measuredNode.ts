/**
 * A process of its own with one open topic: NAME. It prints its endpoint id and addresses, then its resident memory and its connections
 * each 100 ms.
 */
import { Crypto, Identity, TopicId } from "@topic-tracker/crypto"
import { Effect, Layer } from "effect"
import { AddressLookup, Gossip } from "../../src/index.ts"

const [topic = ""] = process.argv.slice(2)

await Effect.gen(function* () {
  const gossip = yield* Gossip
  yield* gossip.open(TopicId.fromName(topic))
  const { direct } = yield* gossip.address
  process.stdout.write(`${JSON.stringify({ endpointId: gossip.endpointId, direct })}\n`)
  for (;;) {
    const { connections, overfullConnections } = yield* gossip.stats
    const line = JSON.stringify({ rss: process.memoryUsage.rss(), connections, overfullConnections })
    process.stdout.write(`${line}\n`)
    yield* Effect.sleep(100)
  }
}).pipe(
  Effect.scoped,
  Effect.provide(
    Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
      Layer.provide(AddressLookup.layerNone()),
      Layer.provide(Identity.layerRandom()),
      Layer.provide(Crypto.layer()),
    ),
  ),
  Effect.runPromise,
)
