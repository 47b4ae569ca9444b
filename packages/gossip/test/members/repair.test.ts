import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Envelope } from "@topic-tracker/crypto/members"
import {
  decodeRepair,
  EnvelopeStore,
  encodeRepair,
  MAX_REPAIR_BYTES,
  type RepairMessage,
  RepairReader,
  STORE_MS,
} from "@topic-tracker/gossip/members"
import { Effect, Schema } from "effect"
import { filled, memberOf, signingKeyOf } from "./support.ts"

const stream = filled(48, 5)
const messages: ReadonlyArray<RepairMessage> = [
  { _tag: "Heads", heads: [] },
  { _tag: "Heads", heads: [{ stream, seq: Number.MAX_SAFE_INTEGER }] },
  { _tag: "Want", stream, ranges: [{ from: 1, to: 300 }], parts: undefined },
  { _tag: "Want", stream, ranges: [{ from: 7, to: 7 }], parts: [0, 65_535] },
  { _tag: "Have", envelopes: [filled(3, 1), filled(0, 0)] },
  { _tag: "None", stream, from: 1, to: 128 },
  { _tag: "Seen", stream, seq: 1 },
]
const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

describe("repair messages", () => {
  it("have the bytes of the specification", () => {
    const hex = (message: RepairMessage) => Buffer.from(encodeRepair(message)).toString("hex")
    const of = "05".repeat(48)
    assert.strictEqual(hex(messages[0]!), "000000020000")
    assert.strictEqual(hex(messages[2]!), `0000003601${of}0101ac0200`)
    assert.strictEqual(hex(messages[3]!), `0000003a01${of}0107070102${"00"}ffff03`)
    assert.strictEqual(hex(messages[4]!), "0000000702020301010100")
    assert.strictEqual(hex(messages[5]!), `0000003403${of}018001`)
    assert.strictEqual(hex(messages[6]!), `0000003204${of}01`)
  })

  it("are read in any pieces", () => {
    const bytes = Buffer.concat(messages.map(encodeRepair))
    for (const size of [1, 5, 1_000]) {
      const reader = new RepairReader()
      const read: Array<RepairMessage> = []
      for (let at = 0; at < bytes.length; at += size) read.push(...reader.receive(bytes.subarray(at, at + size)))
      assert.deepStrictEqual(read, messages)
      assert.isFalse(reader.isBroken)
    }
  })

  it("end at one that is too long, unknown, has a seq over 2^53 - 1, or 17 ranges", () => {
    const isBroken = (bytes: Uint8Array) => {
      const reader = new RepairReader()
      assert.deepStrictEqual(reader.receive(bytes), [])
      assert.deepStrictEqual(reader.receive(encodeRepair(messages[0]!)), [])
      return reader.isBroken
    }
    assert.isTrue(isBroken(Uint8Array.of(0, 1, 0, 1)))
    assert.strictEqual(MAX_REPAIR_BYTES, 0x1_0000)
    assert.isTrue(isBroken(Uint8Array.of(0, 0, 0, 1, 5)))
    assert.isTrue(isBroken(Uint8Array.of(0, 0, 0, 0)))
    const seen = encodeRepair({ _tag: "Seen", stream, seq: Number.MAX_SAFE_INTEGER })
    seen[seen.length - 1] = 0x10
    assert.isTrue(isBroken(seen))
    const ranges = new Array(17).fill({ from: 1, to: 1 })
    assert.isTrue(isBroken(encodeRepair({ _tag: "Want", stream, ranges, parts: undefined })))
  })

  it.effect.prop("never throw while they are read", { bytes: Schema.Array(byte) }, ({ bytes }) =>
    Effect.sync(() => {
      decodeRepair(Uint8Array.from(bytes))
      new RepairReader().receive(Uint8Array.from([0, 0, 0, bytes.length, ...bytes]))
    }),
  )
})

const sealer = Effect.gen(function* () {
  const crypto = yield* Crypto
  const member = yield* memberOf(crypto)
  const mode = { group: true, neighborsOnly: false }
  return (author: number, input: Partial<Envelope.EnvelopeInput>) => {
    const envelope = Envelope.seal(crypto, {
      mode,
      keys: member.window.keys(member.window.own)!,
      gossipTopic: member.gossipTopic,
      author: signingKeyOf(crypto, author),
      session: filled(8, 9),
      channel: member.keys.channelTag("chat", mode),
      seq: 1,
      plaintext: filled(918, 1),
      ...input,
    })
    return { envelope, stream: Buffer.from(Envelope.stream(envelope)).toString("hex") }
  }
})

describe("EnvelopeStore", () => {
  const seqs = (store: EnvelopeStore, stream: string, from: number, to: number, parts?: ReadonlySet<number>) =>
    [...store.range(stream, { from, to }, parts)].map(
      (envelope) => `${Envelope.seq(envelope)}${Envelope.index(envelope) > 0 ? `.${Envelope.index(envelope)}` : ""}`,
    )

  it.effect("gives ranges in order, with batches that reach into them and chosen parts", () =>
    Effect.gen(function* () {
      const seal = yield* sealer
      const store = new EnvelopeStore()
      const { stream } = seal(1, {})
      const add = (input: Partial<Envelope.EnvelopeInput>) => store.add(stream, seal(1, input).envelope, false, 0)
      for (const seq of [9, 2, 5, 1]) add({ seq })
      add({ seq: 10, flags: Envelope.Flag.batch, count: 5 })
      for (const index of [2, 0, 1]) add({ seq: 20, flags: Envelope.Flag.part, index, count: 3 })
      assert.deepStrictEqual(seqs(store, stream, 1, 5), ["1", "2", "5"])
      assert.deepStrictEqual(seqs(store, stream, 12, 12), ["10"])
      assert.deepStrictEqual(seqs(store, stream, 15, 19), [])
      assert.deepStrictEqual(seqs(store, stream, 6, 2 ** 50), ["9", "10", "20", "20.1", "20.2"])
      assert.deepStrictEqual(seqs(store, stream, 20, 20, new Set([0, 2])), ["20", "20.2"])
      assert.deepStrictEqual(seqs(store, "00", 1, 9), [])
      assert.isDefined(store.get(stream, 20, 2))
      assert.isUndefined(store.get(stream, 20, 3))
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("keeps envelopes for 2 minutes, and at most its bytes, of an author a quarter while there are others", () =>
    Effect.gen(function* () {
      const seal = yield* sealer
      const store = new EnvelopeStore(20_000)
      const alone = seal(1, {})
      for (let seq = 1; seq <= 40; seq++) store.add(alone.stream, seal(1, { seq }).envelope, false, seq)
      assert.deepStrictEqual(seqs(store, alone.stream, 1, 99).length, 20)
      assert.isAtMost(store.bytes, 20_000)
      const other = seal(2, {})
      for (let seq = 1; seq <= 40; seq++) store.add(other.stream, seal(2, { seq }).envelope, false, 100)
      assert.deepStrictEqual(seqs(store, other.stream, 1, 99), ["36", "37", "38", "39", "40"])
      assert.strictEqual(seqs(store, alone.stream, 1, 99).length, 15)
      store.evict(40 + STORE_MS)
      assert.deepStrictEqual(seqs(store, alone.stream, 1, 99), [])
      store.evict(100 + STORE_MS)
      assert.strictEqual(store.bytes, 0)
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
