import { assert, describe, it } from "@effect/vitest"
import { Crypto, type CryptoService } from "@topic-tracker/crypto"
import { type ChannelMode, Envelope, Plaintext } from "@topic-tracker/crypto/members"
import { Effect, Schema } from "effect"
import { authorOf, filled, hex, keysOf, MINUTE, text } from "./firstVectors.ts"

const { Flag } = Envelope
const signed: ChannelMode = { group: false, neighborsOnly: false }

/** Seals envelopes of one author in the channel `chat`. */
const sealer = (crypto: CryptoService) =>
  Effect.map(keysOf(crypto), ({ keys, epoch, epochOf }) => {
    const gossipTopic = keys.gossipTopic.bytes
    const sealWith = (input: Partial<Envelope.EnvelopeInput> = {}) => {
      const mode = input.mode ?? signed
      return Envelope.seal(crypto, {
        mode,
        keys: epoch,
        gossipTopic,
        author: authorOf(crypto),
        session: filled(8, 9),
        channel: keys.channelTag("chat", mode),
        seq: 1,
        plaintext: text("hello"),
        ...input,
      })
    }
    return { sealWith, keys, epoch, epochOf, gossipTopic }
  })

/** Whether every step that depends on the bytes alone accepts the envelope. */
const isAccepted = (
  crypto: CryptoService,
  { epoch, gossipTopic }: { epoch: Parameters<typeof Envelope.open>[1]; gossipTopic: Uint8Array },
  bytes: Uint8Array,
) => {
  if (Envelope.checkForm(bytes, "swarm") !== undefined || Envelope.epoch(bytes) !== epoch.epoch) return false
  const plaintext = Envelope.open(crypto, epoch, bytes)
  if (plaintext === undefined) return false
  return !Envelope.isSigned(bytes) || Envelope.verify(crypto, gossipTopic, bytes)
}

describe("Envelope", () => {
  it.effect.prop(
    "opens and verifies to the same fields and plaintext, whatever they are",
    {
      group: Schema.Boolean,
      neighborsOnly: Schema.Boolean,
      seq: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
      plaintext: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
    },
    ({ group, neighborsOnly, plaintext, seq }) =>
      Effect.gen(function* () {
        const crypto = yield* Crypto
        const { sealWith, epoch, gossipTopic } = yield* sealer(crypto)
        const content = Uint8Array.from(plaintext)
        const mode = { group, neighborsOnly }
        const bytes = sealWith({ mode, seq, plaintext: content })
        assert.strictEqual(
          bytes.length - content.length,
          group ? Envelope.GROUP_OVERHEAD_BYTES : Envelope.SIGNED_OVERHEAD_BYTES,
        )
        assert.isUndefined(Envelope.checkForm(bytes, neighborsOnly ? "neighbors" : "swarm"))
        assert.strictEqual(Envelope.checkForm(bytes, neighborsOnly ? "swarm" : "neighbors"), "scope")
        assert.strictEqual(Envelope.seq(bytes), seq)
        assert.strictEqual(Envelope.epoch(bytes), MINUTE)
        assert.deepStrictEqual(Envelope.author(bytes), authorOf(crypto).publicKey)
        assert.deepStrictEqual(Envelope.session(bytes), filled(8, 9))
        assert.deepStrictEqual(Envelope.open(crypto, epoch, bytes), content)
        assert.strictEqual(Envelope.isSigned(bytes), !group)
        if (!group) assert.isTrue(Envelope.verify(crypto, gossipTopic, bytes))
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("is not accepted with any bit changed, signed or not", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { sealWith, ...keys } = yield* sealer(crypto)
      for (const group of [false, true]) {
        const bytes = sealWith({ mode: { group, neighborsOnly: false } })
        assert.isTrue(isAccepted(crypto, keys, bytes))
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const altered = bytes.slice()
          altered[bit >>> 3]! ^= 1 << (bit & 7)
          assert.isFalse(isAccepted(crypto, keys, altered), `bit ${bit}`)
        }
        for (const cut of [1, 16, 64, bytes.length]) {
          assert.isFalse(isAccepted(crypto, keys, bytes.subarray(cut)))
          assert.isFalse(isAccepted(crypto, keys, bytes.subarray(0, bytes.length - cut)))
        }
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("does not open for another author, session, channel, minute, and does not verify for another topic", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { sealWith, epochOf, ...keys } = yield* sealer(crypto)
      const bytes = sealWith()
      const other = yield* epochOf(MINUTE + 1)
      assert.isUndefined(Envelope.open(crypto, other, bytes))
      assert.isFalse(Envelope.verify(crypto, filled(32, 1), bytes))
      // A member takes the signature away and signs the ciphertext as its own.
      const stolen = bytes.slice()
      stolen.set(authorOf(crypto, 8).publicKey, 6)
      const label = text("topic-tracker/members/1 envelope")
      const end = stolen.length - 64
      const message = new Uint8Array([...label, ...keys.gossipTopic, ...stolen.subarray(0, end)])
      stolen.set(crypto.sign(authorOf(crypto, 8), message), end)
      assert.isTrue(Envelope.verify(crypto, keys.gossipTopic, stolen))
      assert.isUndefined(Envelope.open(crypto, keys.epoch, stolen))
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("reports the problem of each form that is not one", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { sealWith } = yield* sealer(crypto)
      const problem = (change: (bytes: Uint8Array) => void, input: Partial<Envelope.EnvelopeInput> = {}) => {
        const bytes = sealWith(input)
        change(bytes)
        return Envelope.checkForm(bytes, "swarm")
      }
      const xor = (at: number, bits: number) => (bytes: Uint8Array) => {
        bytes[at]! ^= bits
      }
      const none = () => {}
      assert.strictEqual(Envelope.checkForm(new Uint8Array(0), "swarm"), "length")
      assert.strictEqual(Envelope.checkForm(Uint8Array.of(2), "swarm"), "newer")
      assert.strictEqual(Envelope.checkForm(Uint8Array.of(1), "swarm"), "length")
      assert.strictEqual(Envelope.checkForm(sealWith({ plaintext: text("") }).subarray(0, 145), "swarm"), "length")
      assert.strictEqual(problem(xor(0, 3)), "newer")
      assert.strictEqual(problem(xor(1, 0x80)), "newer")
      assert.strictEqual(problem(xor(1, Flag.neighborsOnly)), "scope")
      assert.strictEqual(problem(xor(46, 0x40)), "mode")
      assert.strictEqual(problem(xor(46, 0x80)), "mode")
      assert.strictEqual(problem(xor(1, Flag.signed)), "mode")
      assert.strictEqual(problem(xor(55, 0x20)), "seq")
      assert.strictEqual(problem(none, { seq: 0 }), "seq")
      assert.strictEqual(problem(none, { seq: Number.MAX_SAFE_INTEGER, flags: Flag.batch, count: 2 }), "seq")
      assert.strictEqual(problem(none, { flags: Flag.batch, count: 1 }), "count")
      assert.strictEqual(problem(none, { flags: Flag.batch, count: 2, index: 1 }), "count")
      assert.strictEqual(problem(none, { count: 2 }), "count")
      assert.strictEqual(problem(none, { count: 0 }), "count")
      assert.strictEqual(problem(none, { index: 1 }), "count")
      assert.strictEqual(problem(none, { flags: Flag.part }), "count")
      assert.strictEqual(problem(none, { flags: Flag.part, count: 3, index: 3 }), "count")
      assert.strictEqual(problem(none, { flags: Flag.part, count: 3, plaintext: text("") }), "count")
      const big = { flags: Flag.part, index: 1, plaintext: filled(3909, 1) }
      assert.isUndefined(problem(none, { ...big, count: 4291 }))
      assert.strictEqual(problem(none, { ...big, count: 4293 }), "count")
      for (const flags of [Flag.batch | Flag.part, Flag.last | Flag.part, Flag.last | Flag.batch]) {
        assert.strictEqual(problem(none, { flags, count: 2 }), "flags")
      }
      for (const flags of [Flag.acknowledge, Flag.last, Flag.extension]) assert.isUndefined(problem(none, { flags }))
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("covers the sequence numbers of its batch", () =>
    Effect.gen(function* () {
      const { sealWith } = yield* sealer(yield* Crypto)
      const batch = sealWith({ flags: Flag.batch, count: 5, seq: 2 ** 32 - 1 })
      assert.deepStrictEqual([Envelope.seq(batch), Envelope.lastSeq(batch)], [2 ** 32 - 1, 2 ** 32 + 3])
      const part = sealWith({ flags: Flag.part, count: 5, index: 4, seq: 9 })
      assert.deepStrictEqual([Envelope.seq(part), Envelope.lastSeq(part)], [9, 9])
      assert.deepStrictEqual([Envelope.index(part), Envelope.count(part)], [4, 5])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("uses a new nonce or key for each message, part, session, channel and minute", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { keys, epochOf } = yield* keysOf(crypto)
      const pairs = new Set<string>()
      const counting: CryptoService = {
        ...crypto,
        sign: () => new Uint8Array(64),
        aeadSeal: (key, nonce, _aad, plaintext) => {
          pairs.add(hex(key) + hex(nonce))
          return new Uint8Array(plaintext.length + 16)
        },
      }
      const author = authorOf(crypto)
      let sealed = 0
      for (const epoch of [yield* epochOf(MINUTE), yield* epochOf(MINUTE + 1)]) {
        for (const name of ["a", "b"]) {
          for (let restart = 0; restart < 5; restart++) {
            for (let seq = 1; seq <= 200; seq++) {
              for (let index = 0; index < (seq % 100 === 0 ? 20 : 1); index++) {
                Envelope.seal(counting, {
                  mode: signed,
                  keys: epoch,
                  gossipTopic: keys.gossipTopic.bytes,
                  author,
                  session: filled(8, restart),
                  channel: keys.channelTag(name),
                  seq,
                  index,
                  plaintext: text(""),
                })
                sealed++
              }
            }
          }
        }
      }
      assert.strictEqual(pairs.size, sealed)
    }).pipe(Effect.provide(Crypto.layer())),
  )
})

describe("Plaintext", () => {
  const messages = ["", "one", "é".repeat(300)].map(text)

  it("has the messages of a batch, with an extension or without", () => {
    const batch = Plaintext.batchPlaintext(messages)
    assert.deepStrictEqual(Plaintext.readContents(batch, Flag.batch, 3), { extension: undefined, messages })
    const extended = Plaintext.withExtension(text("trace"), batch)
    assert.deepStrictEqual(Plaintext.readContents(extended, Flag.batch | Flag.extension, 3), {
      extension: text("trace"),
      messages,
    })
    assert.deepStrictEqual(Plaintext.readContents(batch, 0, 1), { extension: undefined, messages: [batch] })
  })

  it("is refused if its lengths do not add up, or the number of messages is not that of the header", () => {
    const batch = Plaintext.batchPlaintext(messages)
    for (const count of [2, 4]) assert.isUndefined(Plaintext.readContents(batch, Flag.batch, count))
    for (let cut = 1; cut < batch.length; cut++) {
      assert.isUndefined(Plaintext.readContents(batch.subarray(0, batch.length - cut), Flag.batch, 3), `${cut}`)
    }
    assert.isUndefined(Plaintext.readContents(Uint8Array.of(0), Flag.extension, 1))
    assert.isUndefined(Plaintext.readContents(Uint8Array.of(0, 3, 1, 2), Flag.extension, 1))
  })

  it("is empty in the last envelope of a session", () => {
    assert.deepStrictEqual(Plaintext.readContents(text(""), Flag.last, 1), { extension: undefined, messages: [] })
    assert.isUndefined(Plaintext.readContents(text("x"), Flag.last, 1))
  })

  it("is cut into full parts and a last one", () => {
    const sizes = (length: number) => Plaintext.splitParts(new Uint8Array(length), 10).map((part) => part.length)
    assert.deepStrictEqual(sizes(20), [10, 10])
    assert.deepStrictEqual(sizes(21), [10, 10, 1])
    assert.strictEqual(Plaintext.splitParts(new Uint8Array(2 ** 20), 3909).length, 269)
  })
})
