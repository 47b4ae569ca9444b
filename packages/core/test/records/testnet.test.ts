import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { AddressLookup } from "@topic-tracker/gossip"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import * as DhtAddressLookup from "../../src/address/DhtAddressLookup.ts"
import * as TopicConfig from "../../src/config/index.ts"
import * as RecordPublisher from "../../src/records/RecordPublisher.ts"

/** One node of its own: key, UDP socket and address lookup, configured for the testnet. */
const node = Effect.fnUntraced(function* (key: number, bootstrap: string) {
  const config = yield* TopicConfig.make({ dht: { bootstrap }, network: { publishPrivateAddresses: true } })
  const parts = DhtAddressLookup.layer(DhtAddressLookup.fromConfig(config)).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Dht.layer(TopicConfig.dhtOptions(config)),
        SecretRotation.layer(),
        Identity.layerFromSeed(Redacted.make(new Uint8Array(32).fill(key))),
      ),
    ),
    Layer.provideMerge(Crypto.layer()),
  )
  const context = yield* Layer.build(parts)
  return yield* Effect.gen(function* () {
    const records = yield* RecordPublisher.make({
      topic: TopicId.fromName("testnet"),
      secret: Redacted.make("secret"),
      content: Schema.Uint8Array,
      config,
    })
    return { records, lookup: yield* AddressLookup }
  }).pipe(Effect.provideContext(context))
})

describe("on a DHT of real sockets", () => {
  it.live("a node is found by its record, and its address by its key", () =>
    Effect.gen(function* () {
      const testnet = yield* DhtTestnet.make({ nodes: 10 })
      const [first] = testnet.addresses
      const bootstrap = `${first?.host}:${first?.port}`
      const ann = yield* node(1, bootstrap)
      const bob = yield* node(2, bootstrap)
      const minute = yield* ann.records.unixMinute
      const own = { relayUrl: undefined, direct: ["127.0.0.1:4433"] }
      yield* ann.lookup.publish(own)
      const record = yield* ann.records.newRecord(minute, Uint8Array.of(1, 2, 3))
      const outcome = yield* ann.records.publish(record)
      assert.strictEqual(outcome._tag, "Published")
      const [found] = yield* bob.records.recordsArray(minute)
      assert.strictEqual(found?.endpointId, ann.records.endpointId)
      assert.deepStrictEqual(found?.content, Uint8Array.of(1, 2, 3))
      assert.deepStrictEqual(yield* Stream.runCollect(bob.lookup.resolve(ann.records.endpointId)), [own])
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
