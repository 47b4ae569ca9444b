import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { EncryptedRecord, Identity, initialSecretHash, Record, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Effect, Logger, Redacted, References, Schema } from "effect"
import * as RecordPublisher from "../../src/records/RecordPublisher.ts"
import {
  hello,
  keysOf,
  minute,
  network,
  partsOf,
  publisher,
  publishNew,
  recordKeys,
  secret,
  slotKeys,
  topic,
} from "./publishers.ts"

describe("RecordPublisher with records of strangers", () => {
  describe("secrets", () => {
    const rotationOf = (n: number) => SecretRotation.layerFrom(() => Redacted.make(new Uint8Array(32).fill(n)))

    it.effect("that differ: records do not open, which is logged once, at debug level", () =>
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
        // The same item read again is not counted again.
        assert.deepStrictEqual([(yield* eve.stats).items, (yield* eve.stats).unopened], [2, 2])
      }),
    )

    it.effect("of an own rotation: only nodes with the same rotation read each other", () =>
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

  describe("drops and counts invalid items in the slot", () => {
    /** The slot of a network with this value, as a node that knows the topic can put it. */
    const slotWith = (value: Uint8Array) =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        yield* Effect.gen(function* () {
          const { signingKey, salt } = yield* slotKeys
          yield* (yield* Dht).put({ key: signingKey, salt, seq: RecordPublisher.SEQ, value })
        }).pipe(Effect.provide(partsOf({ dht, key: 9 })))
        const bob = yield* publisher({ dht, key: 2 })
        assert.deepStrictEqual(yield* bob.recordsArray(minute), [])
        const { items, invalid, unopened, contentInvalid } = yield* bob.stats
        assert.strictEqual(items, 1)
        return { invalid, unopened, contentInvalid }
      })

    /** A record that is sealed with the right secret, but is otherwise invalid. */
    const sealed = (alter: (record: Record.Record) => Record.Record, content = Bytes.fromHex("00")) =>
      Effect.gen(function* () {
        const keys = yield* recordKeys
        const { signingKey } = yield* Identity
        const options = { topic, unixMinute: minute, schema: Schema.Uint8Array, content, signingKey }
        const record = alter(yield* Record.sign(options))
        const initial = initialSecretHash(Redacted.make(secret))
        const encryption = yield* keys.encryption({ topic, unixMinute: minute, initialSecretHash: initial })
        return yield* EncryptedRecord.seal(record, encryption)
      }).pipe(Effect.provide(keysOf({ key: 9 })))

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

    it.effect("a record of another topic or minute, or with an invalid signature", () =>
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

    it.effect("an item of lower seq on 19 of the 20 nodes of the slot is replaced on all of them", () =>
      Effect.gen(function* () {
        const { dht, inject, slots } = yield* network()
        const { signingKey, salt } = yield* Effect.provide(slotKeys, partsOf({ dht, key: 9 }))
        const slot = { publicKey: signingKey.publicKey, salt }
        yield* inject({ ...slot, seq: 1n, value: new Uint8Array(10), nodes: 19 })
        const outcome = yield* publishNew(yield* publisher({ dht, key: 1 }), hello)
        assert.deepStrictEqual(outcome, { _tag: "Published", receipt: { stored: 20, asked: 20 } })
        assert.deepStrictEqual(
          (yield* slots(slot)).map((item) => item?.seq),
          Array(20).fill(RecordPublisher.SEQ),
        )
      }),
    )

    it.effect("an item of lower seq that was put first does not block a record", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        yield* Effect.gen(function* () {
          const { signingKey, salt } = yield* slotKeys
          yield* (yield* Dht).put({ key: signingKey, salt, seq: 1n, value: new Uint8Array(10) })
        }).pipe(Effect.provide(partsOf({ dht, key: 9 })))
        const ann = yield* publisher({ dht, key: 1 })
        const bob = yield* publisher({ dht, key: 2 })
        assert.strictEqual((yield* publishNew(ann, hello))._tag, "Published")
        assert.strictEqual((yield* bob.recordsArray(minute)).length, 1)
      }),
    )
  })
})
