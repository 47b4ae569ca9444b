import { assert, describe, it } from "@effect/vitest"
import * as Invite from "@topic-tracker/core/Invite"
import { SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Context, type Duration, Effect, Exit, Redacted, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import { collect, makeWorld, type Node, pass, quiet } from "./world.ts"

const secret = Redacted.make("our secret")
const NOWHERE = { relayUrl: undefined, direct: [] }

const inviteOf = (peers: ReadonlyArray<Node>, options: Partial<Invite.InviteOptions> = {}) =>
  Result.getOrThrow(
    Invite.make({
      topic: "my topic",
      secret,
      peers: peers.map(({ endpointId }) => ({ id: endpointId, address: NOWHERE })),
      ...options,
    }),
  )

/** A node that reaches no DHT node. */
const cutOff = { ...quiet, dht: { reaches: () => false } }

describe("a join by an invitation", () => {
  for (const access of ["open", "members"] as const) {
    it.effect(`takes one dial and no DHT: ${access}`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const member = yield* world.node(cutOff)
        const topic = yield* member.join({ topic: "my topic", secret, access })
        const newcomer = yield* world.node(cutOff)
        const joined = yield* newcomer.tracker.joinNoWait({ invite: inviteOf([member], { access }) })
        const activities = yield* collect(joined.activity)
        yield* pass(access === "open" ? 60 : 100)
        assert.isTrue(yield* joined.isJoined)
        assert.isTrue(yield* topic.isJoined)
        assert.strictEqual((yield* joined.stats).dials, 1)
        const dials = activities.filter(({ _tag }) => _tag === "DialBegan")
        assert.deepStrictEqual(dials, [{ at: 0, _tag: "DialBegan", peer: member.endpointId, source: undefined }])
        yield* newcomer.leave
        yield* pass("1 second")
        assert.isFalse(yield* topic.isJoined)
      }),
    )
  }

  it.effect("takes two round trips more in a members-only topic, and no other time", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      for (const access of ["open", "members"] as const) {
        // A round trip takes 20 ms.
        const world = yield* makeWorld()
        const [member, newcomer] = yield* world.nodes(2, cutOff)
        yield* member!.join({ topic: "my topic", secret, access })
        let joinedAfter: number | undefined
        let passed = 0
        yield* newcomer!.tracker.join({ invite: inviteOf([member!], { access }) }).pipe(
          Effect.tap(() =>
            Effect.sync(() => {
              joinedAfter = passed
            }),
          ),
          Effect.forkScoped,
        )
        for (; joinedAfter === undefined && passed < 500; passed++) yield* pass(1)
        times.push(joinedAfter ?? Number.NaN)
      }
      assert.isAtMost(times[0]!, 40)
      assert.isAtMost(times[1]! - times[0]!, 40)
    }),
  )

  it.effect("finds the topic through the DHT when the endpoints of the invitation are gone", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [gone, member, newcomer] = yield* world.nodes(3, quiet)
      const invite = inviteOf([gone!])
      yield* gone!.leave
      yield* member!.join({ topic: "my topic", secret, access: "members" })
      const joined = yield* newcomer!.tracker.joinNoWait({ invite })
      yield* pass("10 seconds")
      assert.deepStrictEqual([...(yield* joined.neighbors)], [member!.endpointId])
    }),
  )

  it.effect("dials an endpoint of the invitation at once when its record shows that it runs now", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [late, newcomer] = yield* world.nodes(2, quiet)
      const joined = yield* newcomer!.tracker.joinNoWait({ invite: inviteOf([late!]) })
      yield* pass("30 seconds")
      // Its record leads to us too: it does not dial, so that only we can.
      world.network.setReachable((_from, to) => to === late!.endpointId)
      yield* late!.join({ topic: "my topic", secret, access: "members" })
      yield* pass("7 seconds")
      assert.isTrue(yield* joined.isJoined)
    }),
  )

  it.effect("dials again while it is alone, without a DHT too", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [late, newcomer] = yield* world.nodes(2, cutOff)
      const joined = yield* newcomer!.tracker.joinNoWait({ invite: inviteOf([late!, newcomer!]) })
      yield* pass("20 seconds")
      assert.isFalse(yield* joined.isJoined)
      const { dials } = yield* joined.stats
      assert.isAbove(dials, 4)
      assert.isBelow(dials, 12)
      yield* late!.join({ topic: "my topic", secret, access: "members" })
      yield* pass("30 seconds")
      assert.isTrue(yield* joined.isJoined)
    }),
  )

  it.effect("gives its endpoints to a topic that is open already", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [member, newcomer] = yield* world.nodes(2, cutOff)
      yield* member!.join({ topic: "my topic", secret, access: "members" })
      const first = yield* newcomer!.join({ topic: "my topic", secret, access: "members" })
      yield* pass("5 seconds")
      assert.isFalse(yield* first.isJoined)
      const parsed = yield* Invite.parse(inviteOf([member!]))
      yield* newcomer!.tracker.joinNoWait({ invite: parsed })
      yield* pass(100)
      assert.isTrue(yield* first.isJoined)
    }),
  )

  it.effect("fails with the reason, and sends nothing, if the invitation cannot be used", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [member, newcomer] = yield* world.nodes(2, quiet)
      const good = Redacted.value(inviteOf([member!]))
      const problem = Effect.fnUntraced(function* (invite: unknown) {
        const error = yield* Effect.flip(newcomer!.tracker.join({ invite: invite as string }))
        if (error._tag !== "TopicError") return assert.fail(`${error}`)
        assert.notInclude(error.message, good.slice(3, 40))
        return error.reason._tag === "InvalidInvite" ? error.reason.problem : error.message
      })
      const expired = inviteOf([member!], { expires: 5_000 })
      const parsed = yield* Invite.parse(expired)
      yield* pass("10 seconds")
      assert.strictEqual(yield* problem(expired), "Expired")
      assert.strictEqual(yield* problem(parsed), "Expired")
      assert.strictEqual(yield* problem("a text"), "NotAnInvite")
      assert.strictEqual(yield* problem(`${good.slice(0, -1)}${good.endsWith("y") ? "b" : "y"}`), "Checksum")
      assert.strictEqual(
        yield* problem(7),
        "invite: a number; expected the text of an invitation, or what Invite.parse read",
      )
      const beside = yield* Effect.flip(newcomer!.tracker.join({ invite: good, topic: "x" } as { invite: string }))
      assert.strictEqual(beside.message, "topic: given beside an invitation; the invitation says it")
      assert.strictEqual(yield* newcomer!.tracker.openTopics, 0)
    }),
  )
})

describe("topic.invite", () => {
  for (const access of ["open", "members"] as const) {
    it.effect(`lets a newcomer in with one dial: ${access}`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(1_000_000 * 60_000)
        const world = yield* makeWorld()
        const member = yield* world.node(cutOff)
        const topic = yield* member.join({ topic: "my topic", secret: "our secret", access })
        const text = yield* topic.invite({ expiresIn: "1 hour" })
        const invite = yield* Invite.parse(text)
        assert.strictEqual(invite.topic, "my topic")
        assert.strictEqual(invite.access, access)
        assert.strictEqual(invite.expires, 1_000_060 * 60_000)
        assert.deepStrictEqual(Redacted.value(invite.secret), new TextEncoder().encode("our secret"))
        assert.deepStrictEqual(
          invite.peers.map(({ id }) => id),
          [member.endpointId],
        )
        assert.strictEqual(`${text}`.includes(Redacted.value(text)), false)
        const newcomer = yield* world.node(cutOff)
        const joined = yield* newcomer.tracker.joinNoWait({ invite: text })
        yield* pass(100)
        assert.isTrue(yield* joined.isJoined)
        // One who was invited can invite, too.
        const third = yield* world.node(cutOff)
        const next = yield* third.tracker.joinNoWait({ invite: yield* joined.invite() })
        yield* pass(100)
        assert.isTrue(yield* next.isJoined)
      }),
    )
  }

  it.effect("has the secret that replaced the initial one, whichever way this node got it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000 * 60_000)
      const world = yield* makeWorld()
      const [member, newcomer, third] = yield* world.nodes(3, quiet)
      const topic = yield* member!.join({ topic: TopicId.fromName("my topic"), secret, access: "members" })
      yield* topic.replaceSecret("the second secret", { from: 999_000 })
      const text = yield* topic.invite({ peers: [{ id: third!.endpointId, address: NOWHERE }] })
      const { peers, ring, topic: named } = yield* Invite.parse(text)
      assert.deepInclude(ring, { generation: 1, from: 999_000 })
      assert.deepStrictEqual(Redacted.value(ring!.secret), new TextEncoder().encode("the second secret"))
      assert.deepStrictEqual(named, TopicId.fromName("my topic"))
      assert.deepStrictEqual(
        peers.map(({ id }) => id),
        [member!.endpointId, third!.endpointId],
      )
      const joined = yield* newcomer!.tracker.joinNoWait({ invite: text })
      yield* pass("10 seconds")
      assert.isTrue(yield* joined.isJoined)
      const again = yield* Invite.parse(yield* joined.invite())
      assert.deepInclude(again.ring, { generation: 1, from: 999_000 })
      assert.deepStrictEqual(again.ring?.secret, ring?.secret)
    }),
  )

  it.effect("names what is wrong: a time that is none, a secret known by its hash alone, a topic that was left", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const member = yield* world.node(quiet)
      const scope = yield* Scope.make()
      const topic = yield* member.join({ topic: "my topic", secret, access: "members" }).pipe(Scope.provide(scope))
      for (const expiresIn of [0, "0.5 seconds", Number.NaN, "soon"] as ReadonlyArray<Duration.Input>) {
        const { reason } = yield* Effect.flip(topic.invite({ expiresIn }))
        assert.deepInclude(reason, { _tag: "InvalidArgument", argument: "expiresIn" })
      }
      yield* topic.suspend
      assert.isTrue(Redacted.isRedacted(yield* topic.invite()))
      const { secrets } = Context.get(member.services, SecretRotation)
      yield* secrets!.add(topic.id, { generation: 3, from: 5, secretHash: Redacted.make(new Uint8Array(32).fill(7)) })
      const { reason } = yield* Effect.flip(topic.invite())
      assert.deepInclude(reason, { _tag: "InvalidArgument", argument: "secret" })
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Effect.flip(topic.invite())).reason._tag, "Closed")
    }),
  )
})
