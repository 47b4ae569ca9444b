import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { TrickleTimer } from "../../../src/topic/joined/TrickleTimer.ts"
import { joinAll, makeWorld, type Node, pass, settle } from "../world.ts"

const roundsRun = Effect.fnUntraced(function* (trickle: TrickleTimer, rounds: number) {
  let run = 0
  for (let i = 0; i < rounds; i++) if (yield* trickle.shouldRun) run++
  return run
})

/** Queries of all nodes together, a minute, over the given time. */
const load = Effect.fnUntraced(function* (world: Effect.Success<ReturnType<typeof makeWorld>>, minutes: number) {
  const total = Effect.map(world.dht.load, (nodes) => nodes.reduce((sum, { gets, puts }) => sum + gets + puts, 0))
  const before = yield* total
  yield* pass(`${minutes} minutes`)
  return ((yield* total) - before) / minutes
})

const swarm = Effect.fnUntraced(function* (count: number, maxSuppression: number) {
  const world = yield* makeWorld()
  const nodes: Array<Node> = yield* world.nodes(count, { tuning: { maxSuppression } })
  yield* joinAll(nodes)
  return world
})

// Virtual time, but some seconds of a busy processor.
describe("trickle", { timeout: 60_000 }, () => {
  it.effect("runs every round at first, few after one that was not needed, and at least one in `maxFactor`", () =>
    Effect.gen(function* () {
      const trickle = new TrickleTimer(100)
      assert.strictEqual(yield* roundsRun(trickle, 100), 100)
      // All nodes of a swarm together run 24 rounds in the time of one.
      for (const [size, factor] of [
        [5, 1],
        [24, 1],
        [120, 5],
        [1_000, 41.7],
        [10_000, 100],
      ] as const) {
        trickle.othersPublished(size)
        assert.approximately(trickle.factor, factor, 0.05, `${size} nodes`)
      }
      trickle.othersPublished(110)
      const run = yield* roundsRun(trickle, 1000)
      assert.isTrue(run > 170 && run < 270, `${run} of 1,000`)
      trickle.reset()
      assert.strictEqual(trickle.factor, 1)
    }).pipe(Random.withSeed("turns")),
  )

  it("runs as many rounds again as all known members need if one found no record, and every round in a small swarm", () => {
    for (const [members, factor] of [
      [0, 1],
      [48, 1],
      [192, 4],
      [768, 16],
    ] as const) {
      const trickle = new TrickleTimer(100)
      trickle.othersPublished(10_000)
      assert.strictEqual(trickle.factor, 100)
      trickle.nonePublished(members)
      assert.strictEqual(trickle.factor, factor, `${members} members`)
      trickle.othersPublished(10_000)
      trickle.doubt(members)
      assert.strictEqual(trickle.factor, factor, `${members} members, in doubt`)
      trickle.othersPublished(10_000)
      trickle.reset()
      assert.strictEqual(trickle.factor, 1)
    }
  })

  it("runs fewer rounds while lookups see nothing of what known members put", () => {
    const trickle = new TrickleTimer(100)
    const factors = Array.from({ length: 5 }, () => {
      trickle.nonePublished(50)
      return trickle.factor
    })
    assert.deepStrictEqual(factors, [1, 4, 16, 50, 50])
    // In a small swarm it is no wonder that the others have not published.
    trickle.othersPublished(100)
    trickle.nonePublished(96)
    assert.strictEqual(trickle.factor, 2)
    // Where it has published itself, the others need not.
    trickle.nonePublished(96, true)
    assert.strictEqual(trickle.factor, 2)
    const alone = new TrickleTimer(100)
    for (let i = 0; i < 5; i++) alone.nonePublished(16)
    assert.strictEqual(alone.factor, 1)
  })

  it.effect("with a maximum factor of 1 every round runs", () =>
    Effect.gen(function* () {
      const trickle = new TrickleTimer(1)
      trickle.othersPublished(10_000)
      assert.strictEqual(yield* roundsRun(trickle, 100), 100)
    }),
  )

  it.effect("a swarm of 20 sends a fraction of the DHT queries that it sends without, and goes on", () =>
    Effect.gen(function* () {
      const suppressed = yield* swarm(20, 100)
      yield* pass("20 minutes")
      const queries = yield* load(suppressed, 20)
      const all = yield* swarm(20, 1)
      yield* pass("2 minutes")
      const unsuppressed = yield* load(all, 5)
      assert.isBelow(queries, unsuppressed / 3)
      assert.isAbove(queries, 20)
    }),
  )

  it.effect("a look ends with the four nearest nodes once they show the swarm", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const topics = yield* joinAll(yield* world.nodes(12))
      yield* pass("5 minutes")
      const gets = Effect.map(world.dht.load, (nodes) => nodes.reduce((sum, node) => sum + node.gets, 0))
      const looks = Effect.map(
        Effect.forEach(topics, ({ stats }) => stats),
        (all) => all.reduce((sum, { lookups }) => sum + lookups, 0),
      )
      const before = [yield* gets, yield* looks] as const
      yield* pass("5 minutes")
      const [asked, looked] = [(yield* gets) - before[0], (yield* looks) - before[1]]
      assert.isAbove(looked, 80)
      // One or two in a minute find an empty slot and ask all 20.
      assert.isBelow(asked / looked, 7)
    }),
  )

  it.effect("a newcomer joins within two seconds although the others run few rounds", () =>
    Effect.gen(function* () {
      const world = yield* swarm(12, 100)
      yield* pass("30 minutes")
      const newcomer = yield* world.node()
      const topic = yield* newcomer.join()
      yield* pass("2 seconds")
      assert.isTrue(yield* topic.isJoined)
    }),
  )

  it.effect("a node with few neighbours runs every round", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [a, b] = yield* joinAll(yield* world.nodes(2))
      yield* pass("10 minutes")
      const [one, other] = [yield* a!.stats, yield* b!.stats]
      assert.strictEqual(one.runsSkipped + other.runsSkipped, 0)
      assert.isAbove(one.recordsPublished, 8)
    }),
  )

  it.effect("a node that joins and leaves at once leaves records that lead to the others", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      yield* joinAll(yield* world.nodes(2))
      yield* pass("2 seconds")
      const passerBy = yield* world.node()
      const visit = yield* passerBy.join()
      yield* pass("500 millis")
      assert.isTrue(yield* visit.isJoined)
      yield* passerBy.leave
      yield* settle
      const newcomer = yield* world.node()
      const topic = yield* newcomer.join()
      // Sooner than the publishers' first round, ten seconds after joining.
      yield* pass("2 seconds")
      assert.isTrue(yield* topic.isJoined)
    }),
  )
})
