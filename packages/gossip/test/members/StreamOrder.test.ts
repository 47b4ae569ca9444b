import { assert, describe, it } from "@effect/vitest"
import { Crypto, type CryptoService } from "@topic-tracker/crypto"
import { Envelope, type OpenedEnvelope, openEnvelope, Plaintext } from "@topic-tracker/crypto/members"
import { type OrderEvent, StreamOrder } from "@topic-tracker/gossip/members"
import { Effect, Schema } from "effect"
import { filled, type Member, memberOf, signingKeyOf, text } from "./support.ts"

const { Flag } = Envelope
const MODE = { group: true, neighborsOnly: false }

const opener = (crypto: CryptoService, member: Member) => (input: Partial<Envelope.EnvelopeInput>) => {
  const envelope = Envelope.seal(crypto, {
    mode: MODE,
    keys: member.window.keys(member.window.own)!,
    gossipTopic: member.gossipTopic,
    author: signingKeyOf(crypto, 1),
    session: filled(8, 9),
    channel: member.keys.channelTag("chat", MODE),
    seq: 1,
    plaintext: text("x"),
    ...input,
  })
  const opened = openEnvelope(crypto, member.window, member.gossipTopic, envelope)
  assert(typeof opened !== "string", `${opened}`)
  return opened
}

let cached: ((input: Partial<Envelope.EnvelopeInput>) => OpenedEnvelope) | undefined

const withOpener = <A>(body: (open: (input: Partial<Envelope.EnvelopeInput>) => OpenedEnvelope) => A) =>
  Effect.gen(function* () {
    const crypto = yield* Crypto
    cached ??= opener(crypto, yield* memberOf(crypto))
    return body(cached)
  }).pipe(Effect.provide(Crypto.layer()))

/** Events as short texts. */
const show = (events: ReadonlyArray<OrderEvent>): ReadonlyArray<string> =>
  events.map((event) => {
    if (event._tag === "Deliver") return `${event.seq}:${new TextDecoder().decode(event.message)}`
    return event._tag === "Missed" ? `missed ${event.from}-${event.to}` : "ended"
  })

const batchOf = (messages: ReadonlyArray<string>) => ({
  flags: Flag.batch,
  count: messages.length,
  plaintext: Plaintext.batchPlaintext(messages.map(text)),
})

/** A small deterministic generator. */
const randomOf = (seed: number) => {
  let state = seed >>> 0 || 1
  return (below: number) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

describe("StreamOrder", () => {
  it.effect.prop(
    "delivers each message once and in order, and reports exactly those that are lost, whatever order they come in",
    { seed: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 31 })) },
    ({ seed }) =>
      withOpener((open) => {
        const random = randomOf(seed)
        const sent: Array<{
          readonly envelopes: ReadonlyArray<OpenedEnvelope>
          readonly texts: ReadonlyArray<string>
        }> = []
        let seq = 1
        while (seq < 40) {
          const kind = random(6)
          if (kind === 0) {
            const messages = Array.from({ length: 2 + random(4) }, (_, i) => `b${seq + i}`)
            sent.push({
              envelopes: [open({ seq, ...batchOf(messages) })],
              texts: messages.map((message, i) => `${seq + i}:${message}`),
            })
            seq += messages.length
          } else if (kind === 1) {
            const message = `p${seq}`.repeat(10)
            const parts = Plaintext.splitParts(text(message), 7)
            const envelopes = parts.map((plaintext, index) =>
              open({ seq, flags: Flag.part, index, count: parts.length, plaintext }),
            )
            sent.push({ envelopes, texts: [`${seq}:${message}`] })
            seq++
          } else {
            sent.push({ envelopes: [open({ seq, plaintext: text(`m${seq}`) })], texts: [`${seq}:m${seq}`] })
            seq++
          }
        }
        // The last one is not lost: only later ones show what is lost.
        const isLost = sent.map((_, i) => i < sent.length - 1 && random(4) === 0)
        const arriving = sent.flatMap(({ envelopes }, i) => {
          if (!isLost[i]) return envelopes
          return envelopes.slice(0, envelopes.length === 1 ? 0 : random(envelopes.length))
        })
        const order = new StreamOrder(1, 1, 10_000)
        const events: Array<OrderEvent> = []
        const twice = [...arriving, ...arriving]
        for (let i = twice.length - 1; i > 0; i--) {
          const j = random(i + 1)
          ;[twice[i], twice[j]] = [twice[j]!, twice[i]!]
        }
        for (const each of twice) {
          const isKnown = order.isKnown(Envelope.seq(each.envelope), Envelope.index(each.envelope))
          if (!isKnown) events.push(...order.accept(each, "peer", 0))
        }
        while (order.blocked !== undefined) events.push(...order.giveUp())
        const delivered = show(events.filter((event) => event._tag === "Deliver"))
        // More than two messages in parts at a time are given up, too.
        const texts = sent.flatMap((each) => each.texts)
        assert.deepStrictEqual(
          delivered,
          texts.filter((each) => delivered.includes(each)),
        )
        const missed = events.flatMap((event) =>
          event._tag === "Missed" ? Array.from({ length: event.to - event.from + 1 }, (_, i) => event.from + i) : [],
        )
        const all = [...delivered.map((each) => Number(each.split(":")[0])), ...missed].sort((a, b) => a - b)
        assert.deepStrictEqual(
          all,
          Array.from({ length: seq - 1 }, (_, i) => i + 1),
        )
        const wrongly = sent.filter(
          ({ envelopes, texts }, i) => !isLost[i] && envelopes.length === 1 && !delivered.includes(texts[0]!),
        )
        assert.deepStrictEqual(wrongly, [])
        assert.strictEqual(order.waitingBytes, 0)
      }),
  )

  it.effect(
    "knows what is missing: ranges of messages, and parts that do not come for 300 ms, the last ones for 1 s",
    () =>
      withOpener((open) => {
        const order = new StreamOrder(1, 1, 10_000)
        order.accept(open({ seq: 3 }), "a", 0)
        order.accept(open({ seq: 7, ...batchOf(["b", "b"]) }), "b", 10)
        const part = (index: number) => open({ seq: 10, flags: Flag.part, index, count: 3 })
        order.accept(part(1), "c", 20)
        const ranges = [
          { from: 1, to: 2 },
          { from: 4, to: 6 },
          { from: 9, to: 9 },
        ]
        assert.deepStrictEqual(order.missing(319), ranges)
        assert.deepStrictEqual(order.missing(320), [...ranges, { from: 10, to: 10, parts: [0] }])
        assert.deepStrictEqual(order.missing(1_019), [...ranges, { from: 10, to: 10, parts: [0] }])
        assert.deepStrictEqual(order.missing(1_020), [...ranges, { from: 10, to: 10, parts: [0, 2] }])
        const firstOnly = new StreamOrder(1, 1, 10_000)
        firstOnly.accept(open({ seq: 1, flags: Flag.part, index: 0, count: 3 }), "c", 0)
        assert.deepStrictEqual(firstOnly.missing(999), [])
        assert.deepStrictEqual(firstOnly.missing(1_000), [{ from: 1, to: 1, parts: [1, 2] }])
        assert.deepStrictEqual(order.blocked, { since: 0, by: "a", isBeforeStart: false })
        assert.strictEqual(order.highest, 10)
        assert.deepStrictEqual(show(order.giveUp()), ["missed 1-2", "3:x"])
        assert.deepStrictEqual(show(order.accept(open({ seq: 5 }), "a", 400)), [])
        assert.deepStrictEqual(show(order.accept(open({ seq: 4 }), "a", 400)), ["4:x", "5:x"])
        assert.deepStrictEqual(show(order.giveUp()), ["missed 6-6", "7:b", "8:b"])
        assert.deepStrictEqual(show(order.giveUp()), ["missed 9-9"])
        assert.deepStrictEqual(show(order.accept(part(0), "a", 400)), [])
        assert.deepStrictEqual(show(order.accept(part(2), "a", 400)), ["10:xxx"])
        assert.isUndefined(order.blocked)
      }),
  )

  it.effect("does not report what was sent before its start, and delivers of it what comes", () =>
    withOpener((open) => {
      const order = new StreamOrder(4, 9, 10_000)
      assert.deepStrictEqual(show(order.accept(open({ seq: 9 }), "a", 0)), [])
      assert.isTrue(order.blocked?.isBeforeStart)
      order.accept(open({ seq: 6 }), "a", 0)
      assert.deepStrictEqual(show(order.giveUp()), ["6:x"])
      assert.deepStrictEqual(show(order.giveUp()), ["9:x"])
      assert.deepStrictEqual(show(order.accept(open({ seq: 11 }), "a", 0)), [])
      assert.deepStrictEqual(show(order.giveUp()), ["missed 10-10", "11:x"])
    }),
  )

  it.effect("passes a gap over when more than 1 MB waits behind it, and never loops over sequence numbers", () =>
    withOpener((open) => {
      const order = new StreamOrder(1, 1, 10_000)
      order.accept(open({ seq: Number.MAX_SAFE_INTEGER - 1 }), "a", 0)
      assert.deepStrictEqual(order.missing(0), [{ from: 1, to: Number.MAX_SAFE_INTEGER - 2 }])
      const plaintext = filled(3_900, 1)
      const events: Array<OrderEvent> = []
      let seq = 100
      for (; events.length === 0; seq++) events.push(...order.accept(open({ seq, plaintext }), "a", 0))
      assert.deepInclude(events[0], { _tag: "Missed", from: 1, to: 99 })
      assert.isAtLeast(seq, 260)
      assert.isAtMost(order.waitingBytes, 2 ** 20)
    }),
  )

  it.effect(
    "drops messages that are too large, whose parts do not fit, or beyond two at a time, and still knows their parts",
    () =>
      withOpener((open) => {
        const part = (seq: number, index: number, count: number, size = 100) =>
          open({ seq, flags: Flag.part, index, count, plaintext: filled(size, 0x61) })
        const large = new StreamOrder(1, 1, 1_000)
        assert.deepStrictEqual(show(large.accept(part(1, 0, 12), "a", 0)), ["missed 1-1"])
        assert.isTrue(large.isKnown(1, 0))
        assert.isFalse(large.isKnown(1, 5))
        assert.deepStrictEqual(large.accept(part(1, 5, 12), "a", 0), [])
        assert.isTrue(large.isKnown(1, 5))
        assert.strictEqual(large.waitingBytes, 0)
        const uneven = new StreamOrder(1, 1, 1_000)
        uneven.accept(part(1, 0, 3), "a", 0)
        assert.deepStrictEqual(show(uneven.accept(part(1, 1, 3, 99), "a", 0)), ["missed 1-1"])
        const many = new StreamOrder(1, 1, 1_000)
        for (const seq of [1, 2, 3]) assert.deepStrictEqual(many.accept(part(seq, 0, 2), "a", 0), [])
        assert.strictEqual(many.waitingBytes, 200)
        many.accept(part(1, 1, 2), "a", 0)
        assert.deepStrictEqual(
          many.accept(part(2, 1, 2), "a", 0).map((event) => event._tag),
          ["Deliver", "Missed"],
        )
      }),
  )

  it.effect("ends with the author's last envelope, which is no message", () =>
    withOpener((open) => {
      const order = new StreamOrder(1, 1, 1_000)
      assert.deepStrictEqual(show(order.accept(open({ seq: 2, flags: Flag.last, plaintext: text("") }), "a", 0)), [])
      assert.deepStrictEqual(show(order.accept(open({ seq: 1 }), "a", 0)), ["1:x", "ended"])
    }),
  )
})
