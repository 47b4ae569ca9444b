import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Envelope } from "@topic-tracker/crypto/members"
import { ChannelWriter, MembersState } from "@topic-tracker/gossip/members"
import { Effect, Schema } from "effect"
import { filled, MINUTE, memberOf, signingKeyOf } from "./support.ts"

const setUp = (group: boolean) =>
  Effect.gen(function* () {
    const crypto = yield* Crypto
    const member = yield* memberOf(crypto)
    const mode = { group, neighborsOnly: false }
    const writer = new ChannelWriter({
      crypto,
      window: member.window,
      gossipTopic: member.gossipTopic,
      author: signingKeyOf(crypto, 1),
      session: filled(8, 9),
      channel: member.keys.channelTag("chat", mode),
      mode,
      maxContentBytes: 4_055,
    })
    const state = new MembersState({
      crypto,
      window: member.window,
      gossipTopic: member.gossipTopic,
      self: "ff".repeat(32),
      now: 0,
    })
    const delivered = (envelopes: ReadonlyArray<Uint8Array>) => {
      for (const envelope of envelopes) {
        assert.isAtMost(envelope.length, 4_055)
        assert.strictEqual(state.receive("aa", envelope, "swarm", 0).verdict, "accept")
      }
      return state
        .takeEvents()
        .flatMap((each) => (each._tag === "Order" && each.event._tag === "Deliver" ? [each.event] : []))
    }
    return { writer, delivered, member, state }
  })

describe("ChannelWriter", () => {
  it.effect.prop(
    "writes messages of any sizes that a reader gets as they were, numbered from 1",
    {
      sizes: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_000 }))).check(
        Schema.isMaxLength(12),
      ),
      group: Schema.Boolean,
    },
    ({ group, sizes }) =>
      Effect.gen(function* () {
        const { writer, delivered } = yield* setUp(group)
        const messages = sizes.map((size, i) => filled(size, i))
        const { envelopes, firstSeq } = writer.write(messages)
        assert.strictEqual(firstSeq, 1)
        const events = delivered(envelopes)
        assert.deepStrictEqual(
          events.map(({ message }) => message),
          messages,
        )
        assert.deepStrictEqual(
          events.map(({ seq }) => seq),
          sizes.map((_, i) => i + 1),
        )
        assert.strictEqual(writer.nextSeq, sizes.length + 1)
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("puts 40 messages of 100 bytes into two envelopes, and 1 MiB into 269", () =>
    Effect.gen(function* () {
      const { writer } = yield* setUp(false)
      assert.strictEqual(writer.room, 3_909)
      assert.strictEqual(writer.write(Array.from({ length: 40 }, () => filled(100, 1))).envelopes.length, 2)
      assert.strictEqual(writer.write([filled(2 ** 20, 1)]).envelopes.length, 269)
      assert.throws(() => writer.write([filled(2 ** 24 + 1, 1)]), "16777217 bytes")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("ends the session, and speaks in the later minute of a peer", () =>
    Effect.gen(function* () {
      const { writer, delivered, member, state } = yield* setUp(false)
      assert.isUndefined(writer.end())
      member.window.noteProven(MINUTE + 5)
      const { envelopes } = writer.write([filled(3, 1)], true)
      assert.strictEqual(Envelope.epoch(envelopes[0]!), MINUTE + 5)
      assert.strictEqual(delivered(envelopes)[0]?.flags, Envelope.Flag.signed | Envelope.Flag.acknowledge)
      const last = writer.end()
      assert.strictEqual(state.receive("aa", last!, "swarm", 0).verdict, "accept")
      assert.deepInclude(state.takeEvents().at(-1), { _tag: "Order", event: { _tag: "Ended" } })
      assert.throws(() => writer.write([filled(3, 1)]), "ended")
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
