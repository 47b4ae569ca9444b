import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { TestClock } from "effect/testing"
import type { MemoryNetworkOptions } from "../../src/testing.ts"
import { freshTopic, isJoined, joinedInLine, makeMemoryWorld, recorded, text, until } from "./world.ts"

describe("MemoryNetwork", () => {
  it.effect("delays a message by its link's delay", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({ link: () => ({ delayMs: 40 }) })
      const [a, b] = [yield* world.node(), yield* world.node()]
      const [atA, atB] = yield* joinedInLine(world, [a, b])
      const heard = yield* recorded(atB!)
      yield* atA!.broadcast(text("hello"))
      yield* TestClock.adjust(39)
      assert.deepStrictEqual(heard.texts(), [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(heard.texts(), ["hello"])
    }),
  )

  it.effect("sends a lost transmission again after the time of the policy, which gets the number of losses", () =>
    Effect.gen(function* () {
      let losing = 0
      const asked: Array<readonly [number, boolean]> = []
      const world = yield* makeMemoryWorld({
        link: () => ({ delayMs: 40, drop: losing-- > 0 }),
        retransmitMs: (_from, _to, lostBefore, dialling) => {
          asked.push([lostBefore, dialling])
          return 100 * 2 ** lostBefore
        },
      })
      const [a, b] = [yield* world.node(), yield* world.node()]
      losing = 1
      const [atA, atB] = yield* joinedInLine(world, [a, b])
      assert.deepStrictEqual(asked[0], [0, true])
      const heard = yield* recorded(atB!)
      asked.length = 0
      losing = 2
      yield* atA!.broadcast(text("hello"))
      yield* TestClock.adjust(339)
      assert.deepStrictEqual(heard.texts(), [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(heard.texts(), ["hello"])
      assert.deepStrictEqual(asked, [
        [0, false],
        [1, false],
      ])
    }),
  )

  it.effect("gives the policy of a link the number of bytes", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const world = yield* makeMemoryWorld({
        link: (_from, _to, _random, bytes) => {
          sizes.push(bytes)
          return { delayMs: bytes / 100 }
        },
      })
      const [a, b] = [yield* world.node(), yield* world.node()]
      const [atA, atB] = yield* joinedInLine(world, [a, b])
      const heard = yield* recorded(atB!)
      sizes.length = 0
      yield* atA!.broadcast(new Uint8Array(3_000))
      assert.isTrue(sizes.some((bytes) => bytes >= 3_000 && bytes < 3_100))
      yield* TestClock.adjust(29)
      assert.lengthOf(heard.texts(), 0)
      yield* TestClock.adjust(2)
      assert.lengthOf(heard.texts(), 1)
    }),
  )

  it.effect("delivers everything in order over links that lose half and delay at random", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({
        link: (_from, _to, random) => ({ delayMs: 50 * random(), drop: random() < 0.5 }),
        idleTimeoutMs: 600_000,
      })
      const [a, b] = [yield* world.node(), yield* world.node()]
      const id = freshTopic()
      const [atA, atB] = [yield* a.open(id), yield* b.open(id)]
      // The answer to a Join may come too late for the protocol; then the node asks again.
      yield* until(world, "they are joined", () =>
        Effect.gen(function* () {
          if ((yield* isJoined(atA)) && (yield* isJoined(atB))) return true
          yield* Effect.orDie(atB.join([a.endpointId]))
          yield* TestClock.adjust(5_000)
          return false
        }),
      )
      const heard = yield* recorded(atB)
      for (let i = 0; i < 50; i++) {
        yield* atA.broadcast(text(`${i}`))
        yield* TestClock.adjust(5)
      }
      yield* until(world, "all arrived", () => Effect.sync(() => heard.texts().length >= 50))
      assert.deepStrictEqual(
        heard.texts(),
        Array.from({ length: 50 }, (_, i) => `${i}`),
      )
    }),
  )

  it.effect("makes neighbours of nodes whose dial takes longer than a neighbour request may take", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({ link: () => ({ delayMs: 150 }) })
      const nodes = [yield* world.node(), yield* world.node(), yield* world.node()]
      const members = yield* joinedInLine(world, nodes)
      yield* TestClock.adjust("5 seconds")
      for (const { neighbors } of members) assert.strictEqual((yield* neighbors).size, 2)
    }),
  )

  const threeJoined = Effect.fnUntraced(function* (options: MemoryNetworkOptions) {
    const world = yield* makeMemoryWorld(options)
    const nodes = [yield* world.node(), yield* world.node(), yield* world.node()] as const
    const members = yield* joinedInLine(world, nodes)
    yield* until(world, "each has both others", () =>
      Effect.map(Effect.all(members.map(({ neighbors }) => neighbors)), (all) => all.every(({ size }) => size === 2)),
    )
    return { world, nodes, members }
  })

  it.effect("reports a crashed node as lost after the idle time", () =>
    Effect.gen(function* () {
      const { members, nodes, world } = yield* threeJoined({ idleTimeoutMs: 5_000 })
      const lost = nodes[2]
      world.network.crash(lost.endpointId)
      yield* TestClock.adjust(4_999)
      assert.isTrue((yield* members[0]!.neighbors).has(lost.endpointId))
      yield* TestClock.adjust(2)
      assert.isFalse((yield* members[0]!.neighbors).has(lost.endpointId))
      assert.isFalse((yield* members[1]!.neighbors).has(lost.endpointId))
      assert.isTrue(yield* isJoined(members[0]!))
      assert.isFalse(yield* isJoined(members[2]!))
    }),
  )

  it.effect("separates nodes by a partition; after heal they can join again", () =>
    Effect.gen(function* () {
      const { members, nodes, world } = yield* threeJoined({ idleTimeoutMs: 1_000, dialTimeoutMs: 500 })
      const ids = nodes.map(({ endpointId }) => endpointId)
      world.network.partition([ids.slice(0, 2), ids.slice(2)])
      yield* TestClock.adjust(1_001)
      assert.deepStrictEqual([...(yield* members[0]!.neighbors)], [ids[1]])
      assert.isFalse(yield* isJoined(members[2]!))
      yield* members[2]!.join([ids[0]!])
      yield* TestClock.adjust(501)
      assert.isFalse(yield* isJoined(members[2]!))
      assert.strictEqual((yield* nodes[2].stats).dialFailures > 0, true)
      world.network.heal()
      yield* members[2]!.join([ids[0]!])
      yield* until(world, "they meet", () => isJoined(members[2]!))
      const heard = yield* recorded(members[2]!)
      yield* members[1]!.broadcast(text("welcome back"))
      yield* until(world, "it has arrived", () => Effect.sync(() => heard.texts().length > 0))
    }),
  )

  it.effect("only delays messages when a partition is short", () =>
    Effect.gen(function* () {
      const { members, nodes, world } = yield* threeJoined({ idleTimeoutMs: 5_000 })
      const heard = yield* recorded(members[0]!)
      world.network.partition([nodes.slice(0, 1).map(({ endpointId }) => endpointId)])
      yield* members[1]!.broadcast(text("patience"))
      yield* TestClock.adjust(2_000)
      world.network.heal()
      yield* until(world, "it arrives", () => Effect.sync(() => heard.texts().length > 0))
      assert.isFalse(heard.events.some(({ _tag }) => _tag === "NeighborDown"))
    }),
  )

  it.effect("lets a node that cannot be dialled dial others, and carries both directions then", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({ dialTimeoutMs: 100 })
      const [open, hidden] = [yield* world.node(), yield* world.node()]
      world.network.setReachable((_from, to) => to !== hidden.endpointId)
      const id = freshTopic()
      const [atOpen, atHidden] = [yield* open.open(id), yield* hidden.open(id)]
      yield* atOpen.join([hidden.endpointId])
      yield* TestClock.adjust(101)
      assert.strictEqual((yield* open.stats).dialFailures, 1)
      yield* atHidden.join([open.endpointId])
      yield* until(world, "they are joined", () => isJoined(atOpen))
      const heard = yield* recorded(atHidden)
      yield* atOpen.broadcast(text("hello"))
      yield* until(world, "it has arrived", () => Effect.sync(() => heard.texts().length > 0))
    }),
  )

  it.effect("reports new own addresses", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld()
      const node = yield* world.node()
      assert.deepStrictEqual(yield* node.address, { relayUrl: undefined, direct: [] })
      const next = { relayUrl: undefined, direct: ["192.0.2.1:1"] }
      world.network.setAddress(node.endpointId, next)
      assert.deepStrictEqual(yield* node.address, next)
    }),
  )

  it.effect("repeats a run exactly with the same seed", () =>
    Effect.gen(function* () {
      const run = Effect.scoped(
        Effect.gen(function* () {
          const world = yield* makeMemoryWorld({ link: (_from, _to, random) => ({ delayMs: 10 + 40 * random() }) })
          const nodes = yield* Effect.all(Array.from({ length: 12 }, () => world.node()))
          const members = yield* joinedInLine(world, nodes)
          const heard = yield* recorded(members[11]!)
          for (const member of members) yield* member.broadcast(text(`from ${members.indexOf(member)}`))
          yield* TestClock.adjust("3 minutes")
          const order = new Map(nodes.map(({ endpointId }, i) => [endpointId, i]))
          const neighbors = yield* Effect.all(members.map((member) => member.neighbors))
          return {
            texts: heard.texts(),
            neighbors: neighbors.map((set) => [...set].map((id) => order.get(id))),
            transmissions: world.network.size.transmissions,
          }
        }),
      )
      const first = yield* run.pipe(Random.withSeed("seed"))
      const second = yield* run.pipe(Random.withSeed("seed"))
      const other = yield* run.pipe(Random.withSeed("another"))
      assert.deepStrictEqual(second, first)
      assert.notDeepEqual(other, first)
    }),
  )
})
