import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Invite from "@topic-tracker/core/Invite"
import { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Effect, Redacted, Result, Schema } from "effect"
import { TestClock } from "effect/testing"

const idOf = (fill: number) => EndpointId.fromBytes(new Uint8Array(32).fill(fill))
const bytes = (value: Redacted.Redacted<Uint8Array>) => [...Redacted.value(value)]
const textOf = (options: Invite.InviteOptions) => Redacted.value(Result.getOrThrow(Invite.make(options)))
const read = (text: string, now = 0) => Result.getOrThrow(Invite.parseAt(text, now))
const reasonOf = (result: Result.Result<unknown, { readonly reason: string; readonly message: string }>) =>
  Result.isFailure(result) ? result.failure.reason : "read"

const peers: ReadonlyArray<Invite.InvitePeer> = [
  { id: idOf(1), address: { relayUrl: "https://relay.example/", direct: ["192.0.2.1:4433"] } },
  { id: idOf(2), address: { relayUrl: undefined, direct: ["[2001:db8::1]:7777"] } },
]
const secret = Redacted.make("our secret")

describe("Invite", () => {
  it("has all that it was made of", () => {
    const ring = { generation: 3, from: 29_999_999, secret: Redacted.make(new Uint8Array(32).fill(8)) }
    const invite = read(textOf({ topic: "my topic", secret, peers, expires: 5_999, ring }))
    assert.strictEqual(invite.topic, "my topic")
    assert.deepStrictEqual(bytes(invite.secret), [...new TextEncoder().encode("our secret")])
    assert.strictEqual(invite.access, "members")
    assert.strictEqual(invite.expires, 5_000)
    assert.deepStrictEqual(invite.peers, peers)
    assert.strictEqual(invite.ring?.generation, 3)
    assert.strictEqual(invite.ring?.from, 29_999_999)
    assert.deepStrictEqual(bytes(invite.ring!.secret), new Array(32).fill(8))
  })

  it.effect.prop(
    "is read to what it was made of, in any case and with spaces",
    {
      name: Schema.String.check(Schema.isMaxLength(40)),
      secret: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(
        Schema.isMaxLength(64),
      ),
      isOpen: Schema.Boolean,
      byId: Schema.Boolean,
    },
    ({ byId, isOpen, name, secret }) =>
      Effect.sync(() => {
        if (!name.isWellFormed()) return
        const topic = byId ? TopicId.fromName(name) : name
        const text = textOf({
          topic,
          secret: Redacted.make(Uint8Array.from(secret)),
          access: isOpen ? "open" : "members",
          peers,
        })
        assert.match(text, /^tt1[a-z0-9]+$/)
        const invite = read(`  ${text.toUpperCase().replace(/(.{20})/g, "$1 \n")}`)
        assert.deepStrictEqual(`${invite.topic}`, `${topic}`)
        assert.deepStrictEqual(bytes(invite.secret), secret)
        assert.strictEqual(invite.access, isOpen ? "open" : "members")
        assert.deepStrictEqual(invite.peers, peers)
      }),
  )

  it("is refused with any one character wrong, missing, doubled or exchanged with the next", () => {
    const text = textOf({ topic: "my topic", secret, peers })
    const refused = (altered: string) => assert.notStrictEqual(reasonOf(Invite.parseAt(altered, 0)), "read", altered)
    for (let at = 0; at < text.length; at++) {
      for (const character of "ybndrfg8ejkmcpqxot1uwisza345h769!") {
        if (character !== text[at]) refused(text.slice(0, at) + character + text.slice(at + 1))
      }
      refused(text.slice(0, at) + text.slice(at + 1))
      refused(text.slice(0, at) + text[at] + text.slice(at))
      if (text[at] !== text[at + 1] && at + 1 < text.length) {
        refused(text.slice(0, at) + text[at + 1] + text[at] + text.slice(at + 2))
      }
    }
  })

  it("has at most 4 peers and 700 characters: peers that do not fit are left out", () => {
    const many = Array.from({ length: 6 }, (_, i) => ({ id: idOf(i), address: { relayUrl: undefined, direct: [] } }))
    assert.strictEqual(read(textOf({ topic: "t", secret, peers: many })).peers.length, 4)
    const long = many.map(({ id }) => ({
      id,
      address: { relayUrl: `https://${"r".repeat(120)}.example/`, direct: [] },
    }))
    const text = textOf({ topic: "t", secret, peers: long })
    assert.isAtMost(text.length, Invite.MAX_INVITE_CHARACTERS)
    assert.strictEqual(read(text).peers.length, 2)
    const error = Invite.make({ topic: "t".repeat(500), secret })
    assert.strictEqual(reasonOf(error), "Invalid")
  })

  it.effect("expires by the clock", () =>
    Effect.gen(function* () {
      const text = textOf({ topic: "t", secret, expires: 60_000 })
      yield* TestClock.setTime(59_999)
      assert.strictEqual((yield* Invite.parse(text)).expires, 60_000)
      yield* TestClock.setTime(60_000)
      const error = yield* Effect.flip(Invite.parse(Redacted.make(text)))
      assert.strictEqual(error.reason, "Expired")
      assert.include(error.message, "1970-01-01T00:01:00.000Z")
    }),
  )

  it("reports what else is wrong", () => {
    const reason = (text: string) => reasonOf(Invite.parseAt(text, 0))
    assert.strictEqual(reason(""), "NotAnInvite")
    assert.strictEqual(reason("hello"), "NotAnInvite")
    assert.strictEqual(reason("tt1"), "NotAnInvite")
    assert.strictEqual(reason("tt1l0"), "NotAnInvite")
    assert.strictEqual(reason(`tt1${"y".repeat(700)}`), "NotAnInvite")
    assert.strictEqual(reason(" ".repeat(10_000)), "NotAnInvite")
    for (const expires of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.strictEqual(reasonOf(Invite.make({ topic: "t", secret, expires })), "Invalid")
    }
    const ring = { generation: 2 ** 32, from: 0, secret: Redacted.make(new Uint8Array(0)) }
    assert.strictEqual(reasonOf(Invite.make({ topic: "t", secret, ring })), "Invalid")
  })

  it("shows no secret in itself or in an error", () => {
    const made = Result.getOrThrow(Invite.make({ topic: "t", secret, peers }))
    const text = Redacted.value(made)
    assert.notInclude(inspect(made, { depth: 9 }) + String(made) + JSON.stringify(made), text)
    const invite = read(text)
    assert.notInclude(inspect(invite, { depth: 9, showHidden: true }), "Uint8Array")
    const error = Invite.parseAt(`${text}y`, 0)
    assert(Result.isFailure(error))
    assert.notInclude(inspect(error.failure, { depth: 9 }), text.slice(3, 20))
  })
})
