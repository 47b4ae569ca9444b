import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { freshTopic, inTime, isJoined, joinedInLine, makeMemoryWorld, recorded, text, until } from "./world.ts"

describe("leaks", () => {
  it.effect("leaves nothing of 200 topics that were joined, used and left", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({ link: () => ({ delayMs: 3 }) })
      const [a, b] = [yield* world.node(), yield* world.node()]
      for (let i = 0; i < 200; i++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const [atA, atB] = yield* joinedInLine(world, [a, b])
            const heard = yield* recorded(atA!)
            yield* atB!.broadcast(text("hello"))
            yield* until(world, "it has arrived", () => Effect.sync(() => heard.texts().length > 0))
          }),
        )
      }
      yield* until(world, "all is quiet", () => Effect.sync(() => world.network.size.connections === 0))
      for (const node of [a, b]) {
        const { connections, defects, peers, timers, topics } = yield* node.stats
        assert.deepStrictEqual(
          { connections, defects, peers, timers, topics },
          {
            connections: 0,
            defects: 0,
            peers: 0,
            timers: 0,
            topics: 0,
          },
        )
      }
      assert.strictEqual(world.network.size.timers, 0)
    }),
  )

  it.effect("leaves nothing of a node that ends while it sends, dials and is congested", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({
        link: () => ({ delayMs: 3 }),
        dialTimeoutMs: 50,
        streamWindowBytes: 10_000,
      })
      const [a, b, stranger] = [yield* world.node({ sendQueueBytes: 1 }), yield* world.node(), yield* world.node()]
      world.network.crash(stranger.endpointId)
      const [atA, atB] = yield* joinedInLine(world, [a, b])
      yield* atB!.subscribe({ capacity: 1, whenSlow: "backpressure" })
      const content = new Uint8Array(4_000)
      yield* Effect.gen(function* () {
        for (let i = 0; i < 100; i++) {
          new DataView(content.buffer).setUint32(0, i)
          yield* atA!.broadcast(content)
        }
      }).pipe(Effect.ignore, Effect.forkScoped)
      yield* (yield* a.open(freshTopic())).join([stranger.endpointId])
      for (let i = 0; i < 5; i++) yield* world.pass
      yield* inTime(world, "a has ended", a.leave)
      yield* until(world, "b misses it", () => Effect.map(isJoined(atB!), (joined) => !joined))
      yield* inTime(world, "b has ended", b.leave)
      yield* inTime(world, "the stranger has ended", stranger.leave)
      yield* until(world, "all is quiet", () => Effect.sync(() => world.network.size.timers === 0))
      const { connections, endpoints } = world.network.size
      assert.deepStrictEqual([connections, endpoints], [0, 0])
    }),
  )

  it.effect("leaves nothing of peers that connect and send nothing, or connect again and again", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld()
      const [a, b] = [yield* world.node(), yield* world.node()]
      const [atA] = yield* joinedInLine(world, [a, b])
      const silent = yield* world.bare
      yield* silent.listen({ connected: () => {}, dialFailed: () => {} })
      for (let i = 0; i < 100; i++) silent.dial(a.endpointId)
      const connections = Effect.map(a.stats, (stats) => stats.connections)
      yield* until(world, "only some are kept", () => Effect.map(connections, (count) => count === 1 + 16))
      yield* TestClock.adjust("62 seconds")
      assert.strictEqual(yield* connections, 1)
      assert.isTrue(yield* isJoined(atA!))
    }),
  )
})
