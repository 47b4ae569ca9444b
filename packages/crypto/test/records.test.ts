import { assert, describe, it } from "@effect/vitest"
import {
  Crypto,
  EncryptedRecord,
  EndpointId,
  GossipRecordContent,
  messageHash,
  Record,
  TopicId,
} from "@topic-tracker/crypto"
import { Postcard } from "@topic-tracker/postcard"
import { Effect, Redacted, Result, Schema } from "effect"

const topic = TopicId.fromName("records")
const unixMinute = 2n ** 64n - 1n
const raw: Record.ContentSchema<Uint8Array> = Schema.Uint8Array

const keyOf = (fill: number) =>
  Effect.map(Crypto, (crypto) => crypto.signingKey(Redacted.make(new Uint8Array(32).fill(fill))))

const signed = (content: Uint8Array) =>
  Effect.flatMap(keyOf(1), (signingKey) => Record.sign({ topic, unixMinute, schema: raw, content, signingKey }))

const Bytes = Schema.Array(Postcard.u8.schema)

describe("Record", () => {
  it.effect.prop(
    "decodes from its bytes with any content, minute and topic, and verifies",
    { content: Bytes, minute: Postcard.u64.schema, name: Schema.String },
    ({ content, minute, name }) =>
      Effect.gen(function* () {
        const own = TopicId.fromName(name)
        const record = yield* Record.sign({
          topic: own,
          unixMinute: minute,
          schema: raw,
          content: Uint8Array.from(content),
          signingKey: yield* keyOf(1),
        })
        const bytes = Record.encode(record)
        assert.strictEqual(bytes.length, 136 + content.length)
        const decoded = yield* Effect.fromResult(Record.decode(bytes))
        assert.deepStrictEqual(decoded, record)
        yield* Record.verify(decoded, own, minute)
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("is rejected for another topic or minute, or with any byte altered, with the reason", () =>
    Effect.gen(function* () {
      const record = yield* signed(Uint8Array.of(1, 2, 3))
      const reason = (attempt: Effect.Effect<void, { readonly reason: string }, Crypto>) =>
        Effect.map(Effect.flip(attempt), (error) => error.reason)
      assert.strictEqual(yield* reason(Record.verify(record, TopicId.fromName("other"), unixMinute)), "topic")
      assert.strictEqual(yield* reason(Record.verify(record, topic, unixMinute - 1n)), "minute")
      const bytes = Record.encode(record)
      for (let at = 40; at < bytes.length; at++) {
        const altered = bytes.slice()
        altered[at]! ^= 1
        const decoded = yield* Effect.fromResult(Record.decode(altered))
        assert.strictEqual(yield* reason(Record.verify(decoded, topic, unixMinute)), "signature", `byte ${at}`)
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it("does not decode from fewer than 136 bytes", () => {
    assert.isTrue(Result.isSuccess(Record.decode(new Uint8Array(136))))
    const error = Result.getOrThrow(Result.flip(Record.decode(new Uint8Array(135))))
    assert.include(error.message, "135 bytes; at least 136")
  })

  it.effect("carries content of any schema, and reports content that does not decode", () =>
    Effect.gen(function* () {
      const schema = Postcard.toSchema(Postcard.struct({ name: Postcard.string, port: Postcard.u16 }))
      const content = { name: "printer", port: 9100 }
      const record = yield* Record.sign({ topic, unixMinute, schema, content, signingKey: yield* keyOf(1) })
      assert.deepStrictEqual(yield* Record.content(record, schema), content)
      const other = Postcard.toSchema(Postcard.tuple(Postcard.string, Postcard.string))
      assert.strictEqual((yield* Effect.flip(Record.content(record, other)))._tag, "RecordContentInvalid")
      const invalid = Record.sign({
        topic,
        unixMinute,
        schema,
        content: { name: "printer", port: 65536 },
        signingKey: yield* keyOf(1),
      })
      assert.strictEqual((yield* Effect.flip(invalid))._tag, "RecordContentInvalid")
    }).pipe(Effect.provide(Crypto.layer())),
  )
})

describe("GossipRecordContent", () => {
  const id = (fill: number) => EndpointId.fromBytes(new Uint8Array(32).fill(fill))

  it("has 320 bytes, however many slots are used", () => {
    for (const content of [
      { activePeers: [], lastMessageHashes: [] },
      { activePeers: [id(1), id(2)], lastMessageHashes: [messageHash(new Uint8Array(0))] },
      {
        activePeers: [1, 2, 3, 4, 5].map(id),
        lastMessageHashes: [1, 2, 3, 4, 5].map((n) => new Uint8Array(32).fill(n)),
      },
    ]) {
      const bytes = Schema.encodeSync(GossipRecordContent)(content)
      assert.strictEqual(bytes.length, 320)
      assert.deepStrictEqual(Schema.decodeSync(GossipRecordContent)(bytes), content)
    }
  })

  it("drops slots that are all zero, at any position", () => {
    const bytes = new Uint8Array(320)
    bytes.fill(7, 64, 96)
    bytes.fill(8, 288)
    assert.deepStrictEqual(Schema.decodeSync(GossipRecordContent)(bytes), {
      activePeers: [id(7)],
      lastMessageHashes: [new Uint8Array(32).fill(8)],
    })
  })

  it("refuses a sixth peer, a hash of another size, and too few bytes", () => {
    const six = { activePeers: [1, 2, 3, 4, 5, 6].map(id), lastMessageHashes: [] }
    assert.throws(() => Schema.encodeSync(GossipRecordContent)(six))
    const short = { activePeers: [], lastMessageHashes: [new Uint8Array(31)] }
    assert.throws(() => Schema.encodeSync(GossipRecordContent)(short), "31 bytes")
    assert.throws(() => Schema.decodeSync(GossipRecordContent)(new Uint8Array(319)))
  })
})

describe("EncryptedRecord", () => {
  it.effect("opens with the minute's key only, on both layers", () =>
    Effect.gen(function* () {
      const sealing = Effect.gen(function* () {
        const record = yield* signed(new Uint8Array(320))
        return { record, bytes: yield* EncryptedRecord.seal(record, yield* keyOf(2)) }
      })
      const opening = (bytes: Uint8Array, fill: number) =>
        Effect.flatMap(keyOf(fill), (encryptionKey) =>
          EncryptedRecord.openVerified(bytes, { encryptionKey, topic, unixMinute }),
        )
      for (const [from, to] of [
        [Crypto.layerNative(), Crypto.layerPortable()],
        [Crypto.layerPortable(), Crypto.layerNative()],
      ] as const) {
        const { record, bytes } = yield* Effect.provide(sealing, from)
        assert.strictEqual(bytes.length, 604)
        assert.deepStrictEqual(yield* Effect.provide(opening(bytes, 2), to), record)
        const error = yield* Effect.flip(Effect.provide(opening(bytes, 3), to))
        assert.strictEqual(error._tag, "OpenError")
      }
    }),
  )

  it.effect("never opens with one byte altered, added or missing", () =>
    Effect.gen(function* () {
      const record = yield* signed(Uint8Array.of(1))
      const encryptionKey = yield* keyOf(2)
      const bytes = yield* EncryptedRecord.seal(record, encryptionKey)
      const open = (altered: Uint8Array) => EncryptedRecord.open(altered, encryptionKey)
      assert.deepStrictEqual(yield* open(bytes), record)
      // The top bit: X25519 ignores it in an encapsulated key, but the key schedule hashes it.
      for (let at = 0; at < bytes.length; at++) {
        const altered = bytes.slice()
        altered[at]! ^= 0x80
        const result = yield* Effect.result(open(altered))
        assert.strictEqual(result._tag, "Failure", `byte ${at}`)
      }
      assert.strictEqual((yield* Effect.flip(open(bytes.slice(0, -1))))._tag, "RecordMalformed")
      assert.strictEqual((yield* Effect.flip(open(Uint8Array.of(...bytes, 0))))._tag, "RecordMalformed")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("takes content up to the limit of a DHT item, and reports the limit above it", () =>
    Effect.gen(function* () {
      const encryptionKey = yield* keyOf(2)
      assert.strictEqual(EncryptedRecord.MAX_CONTENT_BYTES, 711)
      const largest = yield* EncryptedRecord.seal(yield* signed(new Uint8Array(711)), encryptionKey)
      // The size of the value in BEP 44: "995:" and the bytes.
      assert.strictEqual(`${largest.length}:`.length + largest.length, 999)
      const error = yield* Effect.flip(EncryptedRecord.seal(yield* signed(new Uint8Array(712)), encryptionKey))
      assert.strictEqual(error._tag, "RecordTooLarge")
      assert.include(error.message, "712 bytes; at most 711")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("seals the same record to different bytes each time", () =>
    Effect.gen(function* () {
      const record = yield* signed(new Uint8Array(0))
      const seal = EncryptedRecord.seal(record, yield* keyOf(2))
      assert.notDeepEqual(yield* seal, yield* seal)
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
