import { assert, describe, it } from "@effect/vitest"
import {
  Bytes,
  Crypto,
  EncryptedRecord,
  Identity,
  initialSecretHash,
  Postcard,
  Record,
  RecordKeys,
  SecretRotation,
  TopicId,
} from "@topic-tracker/crypto"
import { Dht, DhtError, MemoryDht } from "@topic-tracker/dht"
import {
  Duration,
  Effect,
  Fiber,
  Layer,
  Logger,
  Option,
  Random,
  Redacted,
  References,
  Schema,
  SchemaGetter,
  Stream,
} from "effect"
import { TestClock } from "effect/testing"
import * as TopicConfig from "../../src/config/index.ts"
import * as RecordPublisher from "../../src/records/RecordPublisher.ts"

const topic = TopicId.fromName("records")
const minute = 29_000_000n
const secret = "a secret of ours"

/** Content as JSON text: what a user who does not know postcard would write. */
const Greeting = Schema.Struct({ greeting: Schema.String, times: Schema.Int })
const JsonGreeting = Schema.Uint8Array.pipe(
  Schema.decodeTo(Schema.fromJsonString(Greeting), {
    decode: SchemaGetter.transform((bytes: Uint8Array) => new TextDecoder().decode(bytes)),
    encode: SchemaGetter.transform((text: string): Uint8Array => new TextEncoder().encode(text)),
  }),
)
/** The same as postcard, as a Rust peer would write it. */
const PostcardGreeting = Postcard.toSchema(Postcard.struct({ greeting: Postcard.string, times: Postcard.u32 }))

const hello = { greeting: "hello", times: 3 }

interface NodeOptions {
  readonly dht: Layer.Layer<Dht, never, Crypto>
  /** The node's key: a byte repeated. */
  readonly key: number
  readonly secret?: string
  readonly rotation?: Layer.Layer<SecretRotation>
  readonly config?: TopicConfig.TopicConfigInput
}

const partsOf = ({ dht, key, rotation = SecretRotation.layer }: NodeOptions) =>
  Layer.mergeAll(dht, rotation, Identity.layerFromSeed(Redacted.make(new Uint8Array(32).fill(key)))).pipe(
    Layer.provideMerge(Crypto.layerTest),
  )

const publisherOf = <A>(options: NodeOptions, content: Record.ContentSchema<A>) =>
  Effect.gen(function* () {
    const config = yield* TopicConfig.make(options.config)
    return yield* RecordPublisher.make({ topic, secret: Redacted.make(options.secret ?? secret), content, config })
  }).pipe(Effect.provide(partsOf(options)))

const publisher = (options: NodeOptions) => publisherOf(options, JsonGreeting)

const publishNew = <A>(node: RecordPublisher.RecordPublisher<A>, content: A, slot = minute) =>
  Effect.flatMap(node.newRecord(slot, content), (record) => node.publish(record))

/** A network of which every node overwrites: a slot shows the last record only. */
const network = (options: MemoryDht.MemoryDhtOptions = {}) =>
  Effect.map(MemoryDht.make(options), (made) => ({ ...made, dht: MemoryDht.layer(made) }))

describe("RecordPublisher", () => {
  it.effect("one node's record is another's, with its content; one's own is left out", () =>
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
      const keys = yield* Effect.provide(RecordKeys, RecordKeys.layer).pipe(Effect.provide(partsOf({ dht, key: 1 })))
      const { signingKey, salt } = keys.dht(topic, minute)
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
      // A node of another mind about content counts the record and drops it.
      const cid = yield* publisher({ dht, key: 3 })
      assert.deepStrictEqual(yield* cid.recordsArray(minute), [])
      assert.strictEqual((yield* cid.stats).contentInvalid, 1)
    }),
  )

  it.effect("shows as many records as the slot does, each node's once", () =>
    Effect.gen(function* () {
      // Most puts to a node are lost, so that the slot keeps records of several nodes.
      const { dht, slots } = yield* network({ lostPuts: 0.6 })
      const config = { bootstrap: { maxBootstrapRecords: 20 } }
      const nodes = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (key) => publisher({ dht, key, config }))
      for (const [i, node] of nodes.entries()) {
        yield* publishNew(node, { greeting: "first", times: i })
        yield* publishNew(node, { greeting: "second", times: i })
      }
      const keys = yield* Effect.provide(RecordKeys, RecordKeys.layer).pipe(Effect.provide(partsOf({ dht, key: 9 })))
      const { signingKey, salt } = keys.dht(topic, minute)
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

  it.effect("hands each record out the moment its item arrives", () =>
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
      // A walk that does not end gives what it has when its time is over.
      const all = yield* Effect.forkChild(bob.recordsArray(minute))
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(all.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(all)).length, 1)
    }),
  )

  describe("publishes nothing and succeeds", () => {
    it.effect("when the slot shows enough records of others", () =>
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
        // One's own record does not count.
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

    it.effect("when the configuration wants no records", () =>
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

  describe("secrets", () => {
    const rotationOf = (n: number) => SecretRotation.layerFrom(() => Redacted.make(new Uint8Array(32).fill(n)))

    it.effect("that differ: records do not open, which is said once, at debug level", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const ann = yield* publisher({ dht, key: 1 })
        const eve = yield* publisher({ dht, key: 2, secret: "another secret" })
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          lines.push(`${logLevel}: ${message}`)
        })
        yield* Effect.gen(function* () {
          for (const slot of [minute, minute + 1n]) {
            yield* publishNew(ann, hello, slot)
            assert.deepStrictEqual(yield* eve.recordsArray(slot), [])
            assert.deepStrictEqual(yield* eve.recordsArray(slot), [])
          }
        }).pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "Debug"))
        assert.deepStrictEqual(lines, [
          "Debug: a record does not open: its node has another secret or rotation, or it is no record",
        ])
        // A second look at the same item is no second item.
        assert.deepStrictEqual([(yield* eve.stats).items, (yield* eve.stats).unopened], [2, 2])
      }),
    )

    it.effect("of a rotation of one's own: only those who share it read each other", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const ann = yield* publisher({ dht, key: 1, rotation: rotationOf(7) })
        const bob = yield* publisher({ dht, key: 2, rotation: rotationOf(7) })
        const cid = yield* publisher({ dht, key: 3, rotation: rotationOf(8) })
        const dan = yield* publisher({ dht, key: 4 })
        yield* publishNew(ann, hello)
        assert.strictEqual((yield* bob.recordsArray(minute)).length, 1)
        assert.strictEqual((yield* cid.recordsArray(minute)).length, 0)
        assert.strictEqual((yield* dan.recordsArray(minute)).length, 0)
      }),
    )

    it.effect("that rotate while running count from the next read on", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        let current = 7
        const changing = SecretRotation.layerFrom(() => Redacted.make(new Uint8Array(32).fill(current)))
        const ann = yield* publisher({ dht, key: 1, rotation: rotationOf(8) })
        const bob = yield* publisher({ dht, key: 2, rotation: changing })
        yield* publishNew(ann, hello)
        assert.strictEqual((yield* bob.recordsArray(minute)).length, 0)
        current = 8
        assert.strictEqual((yield* bob.recordsArray(minute)).length, 1)
      }),
    )
  })

  describe("drops and counts what others put into the slot", () => {
    /** The slot of a network that shows this value, as one who knows the topic can put it. */
    const slotWith = (value: Uint8Array) =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        yield* Effect.gen(function* () {
          const keys = yield* Effect.provide(RecordKeys, RecordKeys.layer)
          const { signingKey, salt } = keys.dht(topic, minute)
          yield* (yield* Dht).put({ key: signingKey, salt, seq: RecordPublisher.SEQ, value })
        }).pipe(Effect.provide(partsOf({ dht, key: 9 })))
        const bob = yield* publisher({ dht, key: 2 })
        assert.deepStrictEqual(yield* bob.recordsArray(minute), [])
        const { items, invalid, unopened, contentInvalid } = yield* bob.stats
        assert.strictEqual(items, 1)
        return { invalid, unopened, contentInvalid }
      })

    /** A record sealed with the right secret, made otherwise than it should be. */
    const sealed = (alter: (record: Record.Record) => Record.Record, content = Bytes.fromHex("00")) =>
      Effect.gen(function* () {
        const keys = yield* Effect.provide(RecordKeys, RecordKeys.layer)
        const { signingKey } = yield* Identity
        const options = { topic, unixMinute: minute, schema: Schema.Uint8Array, content, signingKey }
        const record = alter(yield* Record.sign(options))
        const initial = initialSecretHash(Redacted.make(secret))
        const encryption = yield* keys.encryption({ topic, unixMinute: minute, initialSecretHash: initial })
        return yield* EncryptedRecord.seal(record, encryption)
      }).pipe(
        Effect.provide(
          Layer.mergeAll(SecretRotation.layer, Identity.layerFromSeed(Redacted.make(new Uint8Array(32).fill(9)))).pipe(
            Layer.provideMerge(Crypto.layerTest),
          ),
        ),
      )

    it.effect("bytes that are no encrypted record", () =>
      Effect.gen(function* () {
        for (const value of [new Uint8Array(), new Uint8Array(3), new Uint8Array(604), new Uint8Array(900).fill(255)]) {
          assert.deepStrictEqual(yield* slotWith(value), { invalid: 1, unopened: 0, contentInvalid: 0 })
        }
      }),
    )

    it.effect("a record altered on the way", () =>
      Effect.gen(function* () {
        const value = yield* sealed((record) => record)
        value[value.length - 1]! ^= 1
        assert.deepStrictEqual(yield* slotWith(value), { invalid: 0, unopened: 1, contentInvalid: 0 })
      }),
    )

    it.effect("a record of another topic or minute, or signed by nobody", () =>
      Effect.gen(function* () {
        const alterations: ReadonlyArray<(record: Record.Record) => Record.Record> = [
          (record) => ({ ...record, topic: TopicId.fromName("another") }),
          (record) => ({ ...record, unixMinute: minute - 1n }),
          (record) => ({ ...record, signature: new Uint8Array(64) }),
          (record) => ({ ...record, publicKey: new Uint8Array(32) }),
        ]
        for (const alter of alterations) {
          assert.deepStrictEqual(yield* slotWith(yield* sealed(alter)), { invalid: 1, unopened: 0, contentInvalid: 0 })
        }
      }),
    )

    it.effect("content that its codec refuses", () =>
      Effect.gen(function* () {
        const value = yield* sealed((record) => record)
        assert.deepStrictEqual(yield* slotWith(value), { invalid: 0, unopened: 0, contentInvalid: 1 })
      }),
    )

    it.effect("an item of lower seq, put first, stops no record", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        yield* Effect.gen(function* () {
          const keys = yield* Effect.provide(RecordKeys, RecordKeys.layer)
          const { signingKey, salt } = keys.dht(topic, minute)
          yield* (yield* Dht).put({ key: signingKey, salt, seq: 1n, value: new Uint8Array(10) })
        }).pipe(Effect.provide(partsOf({ dht, key: 9 })))
        const ann = yield* publisher({ dht, key: 1 })
        const bob = yield* publisher({ dht, key: 2 })
        assert.strictEqual((yield* publishNew(ann, hello))._tag, "Published")
        assert.strictEqual((yield* bob.recordsArray(minute)).length, 1)
      }),
    )
  })

  describe("a put that fails", () => {
    const config = { dht: { retries: 2, baseRetryInterval: "5 seconds", maxRetryJitter: 0 } } as const

    it.effect("is tried again after the interval", () =>
      Effect.gen(function* () {
        const { dht, setFaults } = yield* network({ dead: 1 })
        const ann = yield* publisher({ dht, key: 1, config })
        const record = yield* ann.newRecord(minute, hello)
        const put = yield* Effect.forkChild(ann.publish(record, { known: [] }))
        yield* TestClock.adjust("4999 millis")
        assert.strictEqual((yield* ann.stats).putFailures, 1)
        yield* setFaults({ dead: 0 })
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.join(put))._tag, "Published")
      }),
    )

    it.effect("fails with the DHT's error after the last try", () =>
      Effect.gen(function* () {
        const { dht } = yield* network({ dead: 1 })
        const ann = yield* publisher({ dht, key: 1, config })
        const record = yield* ann.newRecord(minute, hello)
        const put = yield* Effect.forkChild(Effect.flip(ann.publish(record, { known: [] })))
        yield* TestClock.adjust("10 seconds")
        const error = yield* Fiber.join(put)
        assert.deepStrictEqual([error._tag, error._tag === "DhtError" && error.reason], ["DhtError", "NoNodes"])
        assert.strictEqual((yield* ann.stats).putFailures, 3)
      }),
    )

    it.effect("waits a random share of the jitter longer", () =>
      Effect.gen(function* () {
        const { dht } = yield* network({ dead: 1 })
        const jittered = { dht: { ...config.dht, retries: 1, maxRetryJitter: "10 seconds" } } as const
        const waits: Array<number> = []
        for (let key = 1; key <= 5; key++) {
          const ann = yield* publisher({ dht, key, config: jittered })
          const record = yield* ann.newRecord(minute, hello)
          const put = yield* Effect.forkChild(Effect.exit(ann.publish(record, { known: [] })))
          let seconds = 0
          for (; seconds <= 15 && put.pollUnsafe() === undefined; seconds++) yield* TestClock.adjust("1 second")
          assert.isDefined(put.pollUnsafe())
          waits.push(seconds)
        }
        for (const wait of waits) assert.isTrue(wait >= 5 && wait <= 15, `${wait} s`)
        assert.isAbove(new Set(waits).size, 1)
      }).pipe(Random.withSeed("jitter")),
    )

    it.effect("by taking too long fails with Timeout", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const silent: Layer.Layer<Dht, never, Crypto> = Layer.effect(
          Dht,
          Effect.map(Effect.provide(Dht, dht), (inner) => ({ ...inner, put: () => Effect.never })),
        )
        const ann = yield* publisher({ dht: silent, key: 1, config: { dht: { retries: 0, putTimeout: "3 seconds" } } })
        const put = yield* Effect.forkChild(Effect.flip(publishNew(ann, hello)))
        yield* TestClock.adjust("3 seconds")
        const error = yield* Fiber.join(put)
        assert.strictEqual(error.message, "the put took longer than dht.putTimeout")
      }),
    )

    it.effect("because every node keeps the record it has is not tried again", () =>
      Effect.gen(function* () {
        const { dht } = yield* network({ keepFirst: 1 })
        yield* publishNew(yield* publisher({ dht, key: 1 }), hello)
        const bob = yield* publisher({ dht, key: 2, config })
        const error = yield* Effect.flip(publishNew(bob, hello))
        assert.deepStrictEqual([error._tag, error._tag === "DhtError" && error.reason], ["DhtError", "Rejected"])
      }),
    )
  })

  it.effect("a slot that cannot be read is an error, and nothing is put", () =>
    Effect.gen(function* () {
      const { dht, load, setFaults } = yield* network()
      const ann = yield* publisher({ dht, key: 1 })
      yield* setFaults({ dead: 1 })
      const error = yield* Effect.flip(publishNew(ann, hello))
      assert.instanceOf(error, DhtError)
      assert.strictEqual(
        (yield* load).reduce((sum, { puts }) => sum + puts, 0),
        0,
      )
    }),
  )

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
