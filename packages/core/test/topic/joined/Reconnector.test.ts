import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { makeFiberCounter } from "@topic-tracker/common/testing"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect } from "effect"
import { type Tuning, tuningOf } from "../../../src/config/Tuning.ts"
import { Reconnector } from "../../../src/topic/joined/Reconnector.ts"
import type { TopicActivity } from "../../../src/topic/TopicActivity.ts"
import { id } from "../records.ts"
import { collect, isOneSwarm, joinAll, makeWorld, pass, quietWith, swarms } from "../world.ts"

/** The number of times that lost neighbours were asked. */
const timesAsked = (activities: ReadonlyArray<TopicActivity>): number =>
  activities.filter(({ _tag }) => _tag === "Reconnecting").length

describe("reconnecting", () => {
  /**
   * The nodes meet, lose the DHT, and are partitioned into parts of these sizes for a minute. Returns the number of swarms two
   * minutes later.
   */
  const afterPartition = Effect.fnUntraced(function* (parts: ReadonlyArray<number>, tuning: Partial<Tuning> = {}) {
    const world = yield* makeWorld()
    const nodes = yield* world.nodes(
      parts.reduce((sum, count) => sum + count),
      { tuning },
    )
    const topics = yield* joinAll(nodes)
    yield* pass("10 seconds")
    assert.isTrue(yield* isOneSwarm(nodes, topics))
    yield* world.dht.setFaults({ dead: 1 })
    const ids = nodes.map(({ endpointId }) => endpointId)
    world.network.partition(parts.map((count) => ids.splice(0, count)))
    yield* pass("1 minute")
    assert.strictEqual(yield* swarms(nodes, topics), parts.length)
    world.network.heal()
    yield* pass("2 minutes")
    return yield* swarms(nodes, topics)
  })

  it.effect("two nodes that lost each other meet again without a DHT", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* afterPartition([1, 1]), 1)
    }),
  )

  it.effect("the halves of a small swarm meet again, also if all nodes have enough neighbours", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* afterPartition([2, 2]), 1)
      assert.strictEqual(yield* afterPartition([8, 8]), 1)
    }),
  )

  it.effect("nodes that lost each other stay apart without reconnecting", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* afterPartition([1, 1], { reconnects: false }), 2)
      assert.strictEqual(yield* afterPartition([2, 2], { reconnects: false }), 2)
    }),
  )

  it.effect("a resumed topic asks its former neighbours at once, without a DHT", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(3)
      const [topic] = yield* joinAll(nodes)
      yield* pass("5 seconds")
      const neighbors = new Set(yield* topic!.neighbors)
      assert.isAtLeast(neighbors.size, 1)
      yield* topic!.suspend
      yield* world.dht.setFaults({ dead: 1 })
      yield* pass("10 minutes")
      const activities = yield* collect(topic!.activity)
      yield* topic!.resume
      yield* pass("200 millis")
      assert.isTrue(yield* topic!.isJoined)
      const asked = activities.findLast(({ _tag }) => _tag === "Reconnecting")
      assert.deepStrictEqual(new Set(asked?._tag === "Reconnecting" ? asked.peers : []), neighbors)
      const joined = activities.findLast(({ _tag }) => _tag === "Joined")
      assert.isBelow(joined?._tag === "Joined" ? joined.millis : Number.NaN, 100)
    }),
  )

  it.effect("a crashed neighbour is asked less often each time, and after an hour no more", () =>
    Effect.gen(function* () {
      const counter = makeFiberCounter()
      const world = yield* makeWorld()
      const options = quietWith({}, { reconnects: true })
      const nodes = yield* counter.counted(world.nodes(2, options))
      const [topic] = yield* counter.counted(joinAll(nodes))
      const third = yield* world.node(options)
      yield* third.join()
      yield* pass("10 seconds")
      assert.strictEqual((yield* topic!.neighbors).size, 2)
      const activities = yield* collect(topic!.activity)
      const fibers = counter.alive
      world.network.crash(third.endpointId)
      yield* pass("1 minute")
      assert.isAtLeast(counter.alive, fibers + 2, "one of each of the other two")
      assert.isAtLeast(timesAsked(activities), 3)
      assert.isAtMost(timesAsked(activities), 6)
      // It is noticed some 30 s later.
      yield* pass("61 minutes")
      const inAll = timesAsked(activities)
      assert.isAtLeast(inAll, 30)
      assert.isAtMost(inAll, 66)
      yield* pass("1 hour")
      assert.strictEqual(timesAsked(activities), inAll)
      assert.strictEqual(counter.alive, fibers)
    }),
  )

  it.effect("a peer that comes back and breaks the connection again is not dialled in a hot loop", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const lost = new Map<EndpointId.EndpointId, true>()
      let asked = 0
      const scope = yield* Effect.scope
      const lose = Effect.suspend(() => {
        lost.set(id(1), true)
        return reconnecting.onNeighborLost()
      })
      const ask = Effect.gen(function* () {
        asked++
        lost.clear()
        yield* Effect.forkIn(Effect.delay(lose, "500 millis"), scope)
      })
      const reconnecting = new Reconnector({ tuning: tuningOf("fast"), lost, ask, timers, scope })
      yield* lose
      yield* pass("10 seconds")
      assert.isAtLeast(asked, 2)
      yield* pass("1 hour")
      assert.isAtMost(asked, 300)
      assert.isAtLeast(asked, 60)
    }),
  )

  it.effect("a lost neighbour that is back is asked no more", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(2)
      const [topic] = yield* joinAll(nodes)
      yield* pass("5 seconds")
      world.network.partition(nodes.map(({ endpointId }) => [endpointId]))
      yield* pass("30 seconds")
      assert.isFalse(yield* topic!.isJoined)
      world.network.heal()
      yield* pass("1 minute")
      assert.isTrue(yield* topic!.isJoined)
      const activities = yield* collect(topic!.activity)
      const before = timesAsked(activities)
      assert.isAtLeast(before, 1)
      yield* pass("10 minutes")
      assert.strictEqual(timesAsked(activities), before)
    }),
  )
})
