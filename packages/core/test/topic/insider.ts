/** A member that publishes records of made-up nodes. */
import { Crypto, EndpointId, Identity, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Effect, Layer, Redacted } from "effect"
import * as RecordPublisher from "../../src/records/RecordPublisher.ts"
import { TopicRecordContent } from "../../src/records/TopicRecordContent.ts"

/** Endpoint ids of nodes that do not run, by number. */
export const madeUp = (n: number): EndpointId.EndpointId => {
  const seed = new Uint8Array(32).fill(0xee)
  new DataView(seed.buffer).setUint32(0, n)
  return Effect.runSync(
    Effect.map(Crypto, (crypto) => EndpointId.fromBytes(crypto.signingKey(Redacted.make(seed)).publicKey)).pipe(
      Effect.provide(Crypto.layerTest()),
    ),
  )
}

/** Puts one record of the made-up node `n` into this minute's slot. It names these neighbours and message hashes. */
export const publishMadeUp = Effect.fnUntraced(function* (
  dht: MemoryDht.MemoryDhtNetwork,
  n: number,
  activePeers: ReadonlyArray<EndpointId.EndpointId> = [],
  lastMessageHashes: ReadonlyArray<Uint8Array> = [],
) {
  const seed = new Uint8Array(32).fill(0xee)
  new DataView(seed.buffer).setUint32(0, n)
  const services = Layer.mergeAll(
    MemoryDht.layer(dht),
    SecretRotation.layer(),
    Identity.layerFromSeed(Redacted.make(seed)),
  ).pipe(Layer.provideMerge(Crypto.layerTest()))
  yield* Effect.gen(function* () {
    const publisher = yield* RecordPublisher.make({
      topic: TopicId.fromName("topic"),
      secret: Redacted.make("secret"),
      content: TopicRecordContent,
    })
    const address = { relayUrl: undefined, direct: [] }
    const content = { activePeers, lastMessageHashes, address }
    const record = yield* publisher.newRecord(yield* publisher.unixMinute, content)
    yield* publisher.publish(record, { known: [] })
  }).pipe(Effect.provide(services))
})
