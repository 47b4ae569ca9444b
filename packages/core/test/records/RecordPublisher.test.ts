import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import type { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Postcard } from "@topic-tracker/postcard"
import { Duration, Effect, Fiber, Layer, Option, Random, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as RecordPublisher from "../../src/records/RecordPublisher.ts"
import { hello, minute, network, partsOf, publisher, publisherOf, publishNew, slotKeys } from "./publishers.ts"

/** `hello` as postcard, as a Rust peer would write it. */
const PostcardGreeting = Postcard.toSchema(Postcard.struct({ greeting: Postcard.string, times: Postcard.u32 }))

describe("RecordPublisher", () => {
  it.effect("reads the record of another node with its content, and leaves out its own", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* publisher({ dht, key: 1 })
      const bob = yield* publisher({ dht, key: 2 })
      const outcome = yield* publishNew(ann, hello)
      assert.deepStrictEqual(outcome, { _tag: "Published", receipt: { stored: 20, asked: 20 } })
      const [record, ...more] = yield* bob.recordsArray(minute)
      assert.deepStrictEqual(more, [])
      assert.strictEqual(record?.endpointId, ann.endpointId)
      assert.strictEqual(record?.unixMinute, minute)
      assert.deepStrictEqual(record?.content, hello)
      assert.deepStrictEqual(yield* ann.recordsArray(minute), [])
      assert.deepStrictEqual(yield* bob.recordsArray(minute + 1n), [])
      const stats = yield* bob.stats
      assert.deepStrictEqual([stats.items, stats.invalid, stats.unopened], [1, 0, 0])
    }),
  )

  it.effect("puts with the highest seq under the topic's key and salt of the minute", () =>
    Effect.gen(function* () {
      const { dht, slots } = yield* network()
      yield* publishNew(yield* publisher({ dht, key: 1 }), hello)
      const { signingKey, salt } = yield* Effect.provide(slotKeys, partsOf({ dht, key: 1 }))
      const items = yield* slots({ publicKey: signingKey.publicKey, salt })
      assert.deepStrictEqual(
        items.map((item) => item?.seq),
        Array(20).fill(9223372036854775807n),
      )
    }),
  )

  it.effect("carries content of any codec: postcard is one", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* publisherOf({ dht, key: 1 }, PostcardGreeting)
      const bob = yield* publisherOf({ dht, key: 2 }, PostcardGreeting)
      yield* publishNew(ann, hello)
      const [record] = yield* bob.recordsArray(minute)
      assert.deepStrictEqual(record?.content, hello)
      assert.strictEqual(record?.bytes.length, 136 + 7)
      // A node with another content schema counts the record and drops it.
      const cid = yield* publisher({ dht, key: 3 })
      assert.deepStrictEqual(yield* cid.recordsArray(minute), [])
      assert.strictEqual((yield* cid.stats).contentInvalid, 1)
    }),
  )

  it.effect("gives every record of the slot, one for each node", () =>
    Effect.gen(function* () {
      // Most puts to a node are lost, so that the slot keeps records of several nodes.
      const { dht, slots } = yield* network({ lostPuts: 0.6 })
      const config = { bootstrap: { maxBootstrapRecords: 20 } }
      const nodes = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (key) => publisher({ dht, key, config }))
      for (const [i, node] of nodes.entries()) {
        yield* publishNew(node, { greeting: "first", times: i })
        yield* publishNew(node, { greeting: "second", times: i })
      }
      const { signingKey, salt } = yield* Effect.provide(slotKeys, partsOf({ dht, key: 9 }))
      const held = yield* slots({ publicKey: signingKey.publicKey, salt })
      const distinct = new Set(held.flatMap((item) => (item === undefined ? [] : [Bytes.toHex(item.signature)]))).size
      const reader = yield* publisher({ dht, key: 9 })
      const records = yield* reader.recordsArray(minute)
      const authors = new Set(records.map(({ endpointId }) => endpointId))
      assert.strictEqual(authors.size, records.length)
      assert.isAbove(distinct, records.length)
      assert.isAbove(records.length, 2)
      assert.strictEqual((yield* reader.stats).items, distinct)
    }).pipe(Random.withSeed("slot")),
  )

  it.effect("gives each record as soon as its item arrives", () =>
    Effect.gen(function* () {
      const quick = yield* network({ latency: () => 100, hops: 2 })
      const ann = yield* publisher({ dht: quick.dht, key: 1 })
      const put = yield* Effect.forkChild(publishNew(ann, hello))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(put)
      const slowEnd: Layer.Layer<Dht, never, Crypto> = Layer.effect(
        Dht,
        Effect.map(Effect.provide(Dht, quick.dht), (inner) => ({
          ...inner,
          get: (key) => Stream.concat(inner.get(key), Stream.never),
        })),
      )
      const bob = yield* publisher({ dht: slowEnd, key: 2 })
      const first = yield* Effect.forkChild(Stream.runHead(bob.records(minute)))
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(Option.getOrThrow(yield* Fiber.join(first)).endpointId, ann.endpointId)
      // A lookup that does not end gives its records so far when its time is over.
      const all = yield* Effect.forkChild(bob.recordsArray(minute))
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(all.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(all)).length, 1)
    }),
  )

  describe("publishes nothing and succeeds", () => {
    it.effect("when the slot holds enough records of other nodes", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const config = { bootstrap: { maxBootstrapRecords: 1 } }
        const ann = yield* publisher({ dht, key: 1, config })
        const bob = yield* publisher({ dht, key: 2, config })
        yield* publishNew(ann, hello)
        const outcome = yield* publishNew(bob, hello)
        assert.strictEqual(outcome._tag, "Skipped")
        assert.deepStrictEqual(outcome._tag === "Skipped" && outcome.records.map(({ endpointId }) => endpointId), [
          ann.endpointId,
        ])
        assert.deepStrictEqual([(yield* bob.stats).published, (yield* bob.stats).skipped], [0, 1])
        // The node's own record does not count.
        assert.strictEqual((yield* publishNew(ann, hello))._tag, "Published")
      }),
    )

    it.effect("when records just read are enough, without reading the slot", () =>
      Effect.gen(function* () {
        const { dht, load } = yield* network()
        const others = yield* Effect.forEach([2, 3, 4, 5, 6], (key) =>
          Effect.flatMap(publisher({ dht, key }), (node) => node.newRecord(minute, hello)),
        )
        const ann = yield* publisher({ dht, key: 1 })
        const record = yield* ann.newRecord(minute, hello)
        assert.strictEqual((yield* ann.publish(record, { known: others }))._tag, "Skipped")
        assert.strictEqual(
          (yield* load).reduce((sum, { gets, puts }) => sum + gets + puts, 0),
          0,
        )
        assert.strictEqual((yield* ann.publish(record, { known: others.slice(1) }))._tag, "Published")
      }),
    )

    it.effect("when the configuration allows no records", () =>
      Effect.gen(function* () {
        const { dht, load } = yield* network()
        const ann = yield* publisher({ dht, key: 1, config: { bootstrap: { maxBootstrapRecords: 0 } } })
        assert.deepStrictEqual(yield* publishNew(ann, hello), { _tag: "Skipped", records: [] })
        assert.strictEqual(
          (yield* load).reduce((sum, { gets, puts }) => sum + gets + puts, 0),
          0,
        )
      }),
    )
  })

  describe("refuses content before anything is published", () => {
    it.effect("that is larger than a DHT item carries", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const ann = yield* publisherOf({ dht, key: 1 }, Schema.Uint8Array)
        const bob = yield* publisherOf({ dht, key: 2 }, Schema.Uint8Array)
        const error = yield* Effect.flip(ann.newRecord(minute, new Uint8Array(712)))
        assert.strictEqual(error._tag, "RecordTooLarge")
        assert.strictEqual(error.message, "content: 712 bytes; at most 711 fit in the record of a DHT item")
        assert.strictEqual(RecordPublisher.maxContentBytes, 711)
        yield* publishNew(ann, new Uint8Array(711))
        assert.strictEqual((yield* bob.recordsArray(minute))[0]?.content.length, 711)
      }),
    )

    it.effect("that is no value of its schema", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const ann = yield* publisher({ dht, key: 1 })
        const error = yield* Effect.flip(ann.newRecord(minute, { greeting: "hello", times: 0.5 }))
        assert.strictEqual(error._tag, "RecordContentInvalid")
        assert.include(error.message, "times")
      }),
    )
  })

  it.effect("knows the minute from the Clock", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* publisher({ dht, key: 1 })
      yield* TestClock.setTime(Duration.toMillis(Duration.minutes(29_000_000)) + 59_999)
      assert.strictEqual(yield* ann.unixMinute, minute)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* ann.unixMinute, minute + 1n)
    }),
  )
})
