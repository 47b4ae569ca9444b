/**
 * Arguments: N MAX_SUPPRESSION MINUTES SEED. Simulates a topic of N nodes: real trackers, gossip and records on a DHT and a network in
 * memory, on a test clock. When all nodes have joined and MINUTES have passed, it prints
 *
 * - `load`: DHT queries a minute of all nodes together, over the last quarter of the time;
 * - `joins`: for ten newcomers, one after the other, the ms until the first neighbour (-1: not within a minute);
 * - `parts` and `cut`: the number of swarms before and at the end of a partition of the network into halves;
 * - `heal`: ms from the end of the partition until there was one swarm again (-1: not within ten minutes). Meanwhile a node of
 *   each half sends messages.
 */
import { TopicTracker } from "@topic-tracker/core"
import { MemoryWorld, TuningOverrides } from "@topic-tracker/core/testing"
import { Context, Effect, Exit, Layer, Random, Scope } from "effect"
import { TestClock } from "effect/testing"
import { main, numberAt, print } from "./print.ts"

const [count, maxSuppression, minutes, seed] = [numberAt(0), numberAt(1), numberAt(2), numberAt(3)]

const settle = Effect.repeat(Effect.yieldNow, { times: 30 })
const pass = (millis: number) => settle.pipe(Effect.andThen(TestClock.adjust(millis)), Effect.andThen(settle))

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make({
    dht: { nodes: 500, latency: (chance) => 20 + 60 * chance, lostGets: 0.05, lostPuts: 0.05, keepFirst: 0.5 },
    network: { link: () => ({ delayMs: 25 }) },
  })

  const start = Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const layer = MemoryWorld.layer(world).pipe(Layer.provide(Layer.succeed(TuningOverrides, { maxSuppression })))
    const tracker = Context.get(yield* Layer.buildWithScope(layer, scope), TopicTracker)
    const topic = yield* tracker.joinNoWait({ topic: "swarm", secret: "secret" }).pipe(Scope.provide(scope))
    return { id: tracker.endpointId, topic, leave: Scope.close(scope, Exit.void) }
  })
  const queries = Effect.map(world.dht.load, (nodes) => nodes.reduce((sum, { gets, puts }) => sum + gets + puts, 0))

  const nodes: Array<Effect.Success<typeof start>> = []
  const swarms = Effect.gen(function* () {
    const links = new Map<string, ReadonlySet<string>>()
    for (const { id, topic } of nodes) links.set(id, yield* topic.neighbors)
    const unseen = new Set(links.keys())
    let parts = 0
    for (const [id] of links) {
      if (!unseen.delete(id)) continue
      parts++
      const open = [id]
      for (const one of open) for (const peer of links.get(one) ?? []) if (unseen.delete(peer)) open.push(peer)
    }
    return parts
  })

  // The nodes start one by one within five minutes.
  for (let i = 0; i < count; i++) {
    nodes.push(yield* start)
    yield* pass(300_000 / count)
  }
  for (let minute = 0; minute < (minutes * 3) / 4; minute++) yield* pass(60_000)
  const before = yield* queries
  const measured = Math.ceil(minutes / 4)
  for (let minute = 0; minute < measured; minute++) yield* pass(60_000)
  const load = ((yield* queries) - before) / measured

  const joins: Array<number> = []
  for (let i = 0; i < 10; i++) {
    yield* pass(7_000)
    const newcomer = yield* start
    let waited = 0
    while (waited < 60_000 && !(yield* newcomer.topic.isJoined)) {
      yield* pass(20)
      waited += 20
    }
    joins.push((yield* newcomer.topic.isJoined) ? waited : -1)
    yield* newcomer.leave
  }

  const parts = yield* swarms
  const half = Math.floor(count / 2)
  world.network.partition([nodes.slice(0, half), nodes.slice(half)].map((part) => part.map(({ id }) => id)))
  yield* pass(120_000)
  const cut = yield* swarms
  let sent = 0
  const sendFromBothHalves = Effect.forEach(nodes.slice(0, 1).concat(nodes.slice(-1)), ({ topic }) =>
    topic.broadcast(`${sent++}`),
  )
  // Each half needs messages that the other half has not received.
  yield* sendFromBothHalves
  yield* pass(60_000)
  world.network.heal()
  let waited = 0
  while (waited < 600_000 && (yield* swarms) > 1) {
    if (waited % 10_000 === 0) yield* sendFromBothHalves
    yield* pass(1_000)
    waited += 1_000
  }
  print({ load, joins, parts, cut, heal: (yield* swarms) === 1 ? waited : -1 })
}).pipe(Effect.scoped)

await main(program.pipe(Effect.provide(TestClock.layer()), Random.withSeed(seed)))
