/** `allow` and the replacement of a secret, as a program uses them. */
import { assert, describe, it } from "@effect/vitest"
import type { Topic } from "@topic-tracker/core"
import * as Invite from "@topic-tracker/core/Invite"
import { Effect, Redacted, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { passTime } from "./membersWorld.ts"
import { collect, makeWorld } from "./world.ts"

const MINUTE = 60_000
const secret = Redacted.make("our secret")
const access = "members" as const

const texts = Effect.fnUntraced(function* (topic: Topic.Topic) {
  const heard: Array<string> = []
  yield* Effect.forkScoped(
    Stream.runForEach(topic.messages, (message) => Effect.sync(() => void heard.push(`${message.text}`))),
  )
  return heard
})

/** Lets minutes pass, more coarsely than {@link passTime}. */
const passMinutes = (minutes: number) =>
  Effect.gen(function* () {
    for (let i = 0; i < minutes * 120; i++) yield* TestClock.adjust(500)
  })

describe("allow", () => {
  it.effect("keeps a member out from the start, and a recheck lets a present neighbour go", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [a, b, c] = yield* world.nodes(3)
      const banned = new Set<string>([c!.endpointId])
      const topic = yield* a!.join({ access, secret, allow: (peer) => Effect.succeed(!banned.has(peer)) })
      const activities = yield* collect(topic.activity)
      const others = [yield* b!.join({ access, secret }), yield* c!.join({ access, secret })]
      yield* passTime(20_000)
      assert.deepStrictEqual([...(yield* topic.neighbors)], [b!.endpointId])
      assert.isTrue(yield* others[1]!.isJoined)
      assert.isTrue(activities.some((each) => each._tag === "Refused" && each.peer === c!.endpointId))
      banned.clear()
      banned.add(b!.endpointId)
      yield* topic.recheck
      yield* passTime(20_000)
      assert.isFalse((yield* topic.neighbors).has(b!.endpointId))
      assert.isFalse((yield* others[0]!.neighbors).has(a!.endpointId))
    }),
  )
})

describe("a topic whose secret is replaced", () => {
  it.effect("goes on among those that have the new one; the excluded member is told, and hears nothing more", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000 * MINUTE)
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(4)
      const topics = yield* Effect.forEach(nodes, (node) => node.join({ access, secret, overlap: "2 minutes" }))
      const heard = yield* Effect.forEach(topics, texts)
      const excluded = topics[3]!
      const activities = yield* collect(excluded.activity)
      const others = yield* Effect.forEach(topics.slice(0, 3), (topic) => collect(topic.activity))
      yield* passTime(20_000)
      for (const topic of topics) assert.isTrue(yield* topic.isJoined)
      const newSecret = Redacted.make("another secret")
      const place = yield* topics[0]!.replaceSecret(newSecret)
      assert.deepStrictEqual(place, { generation: 1, from: 1_000_002 })
      for (const topic of topics.slice(1, 3)) yield* topic.replaceSecret(newSecret, place)
      yield* passMinutes(5)
      yield* topics[0]!.broadcast("after")
      yield* excluded.broadcast("let me in")
      yield* passTime(2_000)
      assert.isFalse(yield* excluded.isJoined)
      assert.deepStrictEqual(heard, [[], ["after"], ["after"], []])
      for (const topic of topics.slice(0, 3)) {
        const neighbors = yield* topic.neighbors
        assert.isAbove(neighbors.size, 0)
        assert.isFalse(neighbors.has(nodes[3]!.endpointId))
      }
      assert.strictEqual(activities.filter(({ _tag }) => _tag === "AccessLost").length, 1)
      assert.isFalse(others.flat().some(({ _tag }) => _tag === "AccessLost"))
      // The new secret lets it in again.
      yield* excluded.replaceSecret(newSecret, place)
      yield* passTime(60_000)
      assert.isTrue(yield* excluded.isJoined)
      assert.isFalse(activities.slice(-20).every(({ _tag }) => _tag === "AccessLost"))
    }),
  )

  it.effect("is joined by an invitation with both secrets, and not with the initial one alone", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000 * MINUTE)
      const world = yield* makeWorld()
      const [member, newcomer, former] = yield* world.nodes(3)
      const topic = yield* member!.join({ topic: "my topic", access, secret })
      const newSecret = new Uint8Array(32).fill(5)
      const ring = yield* topic.replaceSecret(newSecret, { from: 999_000 })
      const inviteOf = (options: Partial<Invite.InviteOptions>) =>
        Result.getOrThrow(
          Invite.make({
            topic: "my topic",
            secret,
            peers: [{ id: member!.endpointId, address: { relayUrl: undefined, direct: [] } }],
            ...options,
          }),
        )
      const outside = yield* former!.tracker.joinNoWait({ invite: inviteOf({}) })
      const activities = yield* collect(outside.activity)
      const inside = yield* newcomer!.tracker.joinNoWait({
        invite: inviteOf({ ring: { ...ring, secret: Redacted.make(newSecret) } }),
      })
      yield* passTime(10_000)
      assert.isTrue(yield* inside.isJoined)
      assert.isFalse(yield* outside.isJoined)
      assert.deepInclude(
        activities.find(({ _tag }) => _tag === "Refused"),
        { peer: member!.endpointId, reason: "not here", byPeer: true },
      )
      assert.deepInclude(
        activities.find(({ _tag }) => _tag === "NothingOpens"),
        { _tag: "NothingOpens" },
      )
      const again = yield* Effect.flip(topic.replaceSecret("a third one", { generation: 1 }))
      assert.strictEqual(again.message, "generation: 1 is in the ring already")
    }),
  )

  it.effect("ends the overlap when it is told to", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000 * MINUTE)
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(3)
      const topics = yield* Effect.forEach(nodes, (node) => node.join({ access, secret }))
      const heard = yield* Effect.forEach(topics, texts)
      yield* passTime(20_000)
      for (const topic of topics.slice(0, 2)) yield* topic.replaceSecret("another secret", { from: 1_000_001 })
      yield* passTime(41_000)
      for (const topic of topics.slice(0, 2)) yield* topic.endOverlap
      yield* topics[2]!.broadcast("too late")
      yield* passTime(30_000)
      yield* topics[0]!.broadcast("after")
      yield* passTime(1_000)
      assert.deepStrictEqual(heard, [[], ["after"], []])
      assert.isFalse(yield* topics[2]!.isJoined)
    }),
  )
})
