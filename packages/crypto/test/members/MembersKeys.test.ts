import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Door, Envelope, EpochWindow } from "@topic-tracker/crypto/members"
import { Effect, Redacted } from "effect"
import { layers } from "../layers.ts"
import { authorOf, filled, hex, keysOf, MINUTE, text } from "./firstVectors.ts"

const signed = { group: false, neighborsOnly: false }

describe("HMAC and AEAD", () => {
  it.effect.each(layers)("give the published values: RFC 4231 (case 2), RFC 8439 (2.8.2)", ([_name, layer]) =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      assert.strictEqual(
        hex(crypto.hmacSha256(text("Jefe"), text("what do ya want for nothing?"))),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      )
      const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i)
      const nonce = Bytes.fromHex("070000004041424344454647")
      const aad = Bytes.fromHex("50515253c0c1c2c3c4c5c6c7")
      const plaintext = text(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      )
      const sealed = crypto.aeadSeal(key, nonce, aad, plaintext)
      assert.strictEqual(hex(sealed.slice(0, 16)), "d31a8d34648e60db7b86afbc53ef7ec2")
      assert.strictEqual(hex(sealed.slice(-16)), "1ae10b594f09e26a7e902ecbd0600691")
      assert.deepStrictEqual(crypto.aeadOpen(key, nonce, aad, sealed), plaintext)
      for (const at of [0, 50, sealed.length - 1]) {
        const altered = sealed.slice()
        altered[at]! ^= 1
        assert.isUndefined(crypto.aeadOpen(key, nonce, aad, altered))
      }
      assert.isUndefined(crypto.aeadOpen(key, nonce, aad.subarray(1), sealed))
      assert.isUndefined(crypto.aeadOpen(key, nonce, aad, sealed.subarray(0, 15)))
    }).pipe(Effect.provide(layer)),
  )
})

describe("MembersKeys", () => {
  it.effect.each(layers)("gives the first vectors of keys, envelope and door", ([_name, layer]) =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { keys, epoch } = yield* keysOf(crypto)
      assert.strictEqual(keys.gossipTopic.hex, "097c10d759eddfda4aec30f50b8f734a77c972237859d58491ca2da749ff90e9")
      assert.strictEqual(hex(epoch.doorTag), "682d3913a864407a")
      assert.strictEqual(
        hex(Redacted.value(epoch.door)),
        "2f06fc802888be8f593c7597d4553f976416091f9c5ed5d016ecfdae1934634f",
      )
      const channel = keys.channelTag("chat")
      assert.strictEqual(hex(channel), "0d23d9327ac99aff")

      const author = authorOf(crypto)
      const session = filled(8, 9)
      assert.strictEqual(
        hex(epoch.sealKey(Bytes.concat(author.publicKey, session, channel))),
        "56519ba42cb2361df60ccd74bc9e4bcb06f51c68f54402c1d0b91cf16ff2e9c6",
      )
      const gossipTopic = keys.gossipTopic.bytes
      const plaintext = text("hello")
      const envelope = Envelope.seal(crypto, {
        mode: signed,
        keys: epoch,
        gossipTopic,
        author,
        session,
        channel,
        seq: 1,
        plaintext,
      })
      assert.strictEqual(envelope.length, 151)
      assert.strictEqual(
        createHash("sha256").update(envelope).digest("hex"),
        "eddc002fb8cc40954208ea3c5ffbcb73a1d9173bad6c4d47cec1c45690861233",
      )
      assert.isUndefined(Envelope.checkForm(envelope, "swarm"))
      assert.deepStrictEqual(Envelope.open(crypto, epoch, envelope), plaintext)
      assert.isTrue(Envelope.verify(crypto, gossipTopic, envelope))

      const m1 = Door.encodeM1({ flags: 1, epoch: MINUTE, doorTag: epoch.doorTag, nonce: filled(32, 3) })
      const m2 = Door.encodeM2({ flags: 1, epoch: MINUTE, nonce: filled(32, 4) })
      assert.deepStrictEqual([m1.length, m2.length], [Door.M1_BYTES, Door.M2_BYTES])
      const transcript = { m1, m2, dialler: author.publicKey, acceptor: filled(32, 2), gossipTopic }
      const m3 = Door.encodeM3(epoch, transcript)
      const m4 = Door.encodeM4(epoch, transcript, m3)
      assert.strictEqual(hex(m3), "03fc636566ba5a2905293f0a2af46347be07f81b53243eb2eabfe91a5905b92bb9")
      assert.strictEqual(hex(m4), "044c8bdb11d07e1dd2188a0d136adcd653bb4830f24eb0165f357baf683bd9acd7")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives other keys for each other input", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { keys, epoch } = yield* keysOf(crypto)
      const tags = new Set<string>()
      for (const group of [false, true]) {
        for (const neighborsOnly of [false, true]) {
          const tag = keys.channelTag("chat", { group, neighborsOnly })
          assert.strictEqual(tag[0]! >>> 6, (group ? 1 : 0) + (neighborsOnly ? 2 : 0))
          tags.add(hex(tag.subarray(1)))
        }
      }
      for (const name of ["", "chat ", "Chat"]) tags.add(hex(keys.channelTag(name).subarray(1)))
      assert.strictEqual(tags.size, 7)
      const others = yield* Effect.all([
        keysOf(crypto, "my topic ", "our secret"),
        keysOf(crypto, "my topic", "our secret "),
        keysOf(crypto, "my topic", "our secret", MINUTE + 1),
      ])
      assert.strictEqual(
        new Set([epoch, ...others.map((other) => other.epoch)].map((each) => hex(each.doorTag))).size,
        4,
      )
      assert.strictEqual(
        new Set([keys, ...others.map((other) => other.keys)].map((each) => each.gossipTopic.hex)).size,
        3,
      )
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("binds a rotation that ignores topic and secret to both", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const seed = Redacted.make(filled(32, 5))
      const { keys } = yield* keysOf(crypto)
      const { keys: others } = yield* keysOf(crypto, "my topic", "other secret")
      assert.notDeepEqual(keys.epoch(MINUTE, seed).doorTag, others.epoch(MINUTE, seed).doorTag)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("keeps the seal keys of two seeds for one minute apart", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { keys, epoch } = yield* keysOf(crypto)
      const stream = filled(48, 1)
      const changed = keys.epoch(MINUTE, Redacted.make(filled(32, 5)))
      assert.strictEqual(epoch.sealKey(stream), epoch.sealKey(stream))
      assert.notDeepEqual(epoch.sealKey(stream), changed.sealKey(stream))
      assert.isFalse(epoch.isSame(changed))
      assert.isTrue(changed.isSame(keys.epoch(MINUTE, Redacted.make(filled(32, 5)))))
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("refuses a seed that has not 32 bytes, a minute that is no u32, and a name over 64 bytes", () =>
    Effect.gen(function* () {
      const { keys } = yield* keysOf(yield* Crypto)
      assert.throws(() => keys.epoch(MINUTE, Redacted.make(filled(31, 5))), "31 bytes")
      for (const minute of [-1, 1.5, 2 ** 32]) {
        assert.throws(() => keys.epoch(minute, Redacted.make(filled(32, 5))), RangeError)
      }
      assert.strictEqual(keys.channelTag("é".repeat(32)).length, 8)
      assert.throws(() => keys.channelTag(`${"é".repeat(32)}x`), "65 bytes of UTF-8; at most 64")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("does not show keys when it is printed", () =>
    Effect.gen(function* () {
      const { keys, epoch } = yield* keysOf(yield* Crypto)
      const shown = inspect([keys, epoch, epoch.door], { depth: 9, showHidden: true })
      assert.notInclude(shown, "2f06fc")
      assert.notInclude(shown, "47, 6, 252")
      assert.notInclude(shown, "2f 06 fc")
    }).pipe(Effect.provide(Crypto.layer())),
  )
})

describe("EpochWindow", () => {
  const setUp = Effect.gen(function* () {
    const { epochOf, keys } = yield* keysOf(yield* Crypto)
    const window = new EpochWindow()
    const setMinute = (own: number) =>
      Effect.gen(function* () {
        const missing = window.setMinute(own)
        for (const epoch of missing) window.add(yield* epochOf(epoch))
        return missing
      })
    return { keys, window, setMinute, epochOf }
  })

  it.effect("asks for the keys of 25 minutes at first, and then for its own minute and the newest", () =>
    Effect.gen(function* () {
      const { window, setMinute, epochOf } = yield* setUp
      assert.strictEqual((yield* setMinute(MINUTE)).length, 25)
      assert.deepStrictEqual(yield* setMinute(MINUTE + 1), [MINUTE + 1, MINUTE + 13])
      assert.isUndefined(window.keys(MINUTE - 12))
      assert.isUndefined(window.findTag((yield* epochOf(MINUTE - 12)).doorTag))
      for (let epoch = MINUTE - 11; epoch <= MINUTE + 13; epoch++) {
        assert.strictEqual(window.findTag((yield* epochOf(epoch)).doorTag), window.keys(epoch))
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("accepts envelopes of 3 past and 12 future minutes, and of 12 past ones that were asked for", () =>
    Effect.gen(function* () {
      const { window, setMinute } = yield* setUp
      yield* setMinute(MINUTE)
      const accepted = (wasAskedFor: boolean) => {
        const minutes: Array<number> = []
        for (let by = -20; by <= 20; by++) if (window.accepts(MINUTE + by, wasAskedFor)) minutes.push(by)
        return [minutes[0], minutes.at(-1), minutes.length]
      }
      assert.deepStrictEqual(accepted(false), [-3, 12, 16])
      assert.deepStrictEqual(accepted(true), [-12, 12, 25])
      window.endOverlap(MINUTE - 1)
      assert.deepStrictEqual(accepted(false), [-1, 12, 14])
      assert.deepStrictEqual(accepted(true), [-1, 12, 14])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("speaks in its own minute, or up to 7 minutes later when a peer has proven a later one", () =>
    Effect.gen(function* () {
      const { window, setMinute } = yield* setUp
      yield* setMinute(MINUTE)
      assert.strictEqual(window.speaking, MINUTE)
      window.noteProven(MINUTE - 2)
      assert.strictEqual(window.speaking, MINUTE)
      window.noteProven(MINUTE + 5)
      assert.strictEqual(window.speaking, MINUTE + 5)
      window.noteProven(MINUTE + 12)
      assert.strictEqual(window.speaking, MINUTE + 7)
      yield* setMinute(MINUTE + 20)
      assert.strictEqual(window.speaking, MINUTE + 20)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect(
    "two nodes whose clocks differ by 10 minutes hear each other once one has proven its minute to the other",
    () =>
      Effect.sync(() => {
        for (let apart = 0; apart <= 10; apart++) {
          const [behind, inFront] = [new EpochWindow(), new EpochWindow()]
          behind.setMinute(MINUTE)
          inFront.setMinute(MINUTE + apart)
          behind.noteProven(inFront.speaking)
          inFront.noteProven(behind.speaking)
          assert.isTrue(inFront.accepts(behind.speaking), `${apart}`)
          assert.isTrue(behind.accepts(inFront.speaking), `${apart}`)
        }
      }),
  )

  it.effect("replaces the keys of a minute, and their tag, when the rotation answers otherwise", () =>
    Effect.gen(function* () {
      const { window, setMinute, epochOf, keys } = yield* setUp
      yield* setMinute(MINUTE)
      const changed = keys.epoch(MINUTE, Redacted.make(filled(32, 5)))
      window.add(changed)
      assert.strictEqual(window.keys(MINUTE), changed)
      assert.strictEqual(window.findTag(changed.doorTag), changed)
      assert.isUndefined(window.findTag((yield* epochOf(MINUTE)).doorTag))
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
