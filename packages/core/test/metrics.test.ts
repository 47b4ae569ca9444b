import { assert, describe, it } from "@effect/vitest"
import { MemoryWorld, TopicTracker, TrackerMetrics } from "@topic-tracker/core"
import { Dht } from "@topic-tracker/dht"
import { Gossip } from "@topic-tracker/gossip"
import { Context, Effect, Exit, Layer, Metric, Scope } from "effect"
import { pass } from "./topic/world.ts"

/** What the metrics of these names say now. */
const read = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const all = yield* Metric.snapshot
  return names.map((name) => {
    const found = all.find(({ id }) => id === `topic_tracker_${name}`)
    if (found?.type === "Counter" || found?.type === "Histogram") return Number(found.state.count)
    return found?.type === "Gauge" ? Number(found.state.value) : undefined
  })
})

const measured = Effect.provideService(Metric.MetricRegistry, new Map())

describe("metrics of a node", () => {
  it.effect("are what the DHT client and gossip have counted, of all nodes together", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make({ network: { link: () => ({ delayMs: 20 }) } })
      const node = Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const layer = TrackerMetrics.layer().pipe(Layer.provideMerge(TopicTracker.layerMemory(world)))
        const services = yield* Layer.buildWithScope(layer, scope)
        const stats = Effect.all({ dht: Context.get(services, Dht).stats, gossip: Context.get(services, Gossip).stats })
        const topic = yield* Context.get(services, TopicTracker)
          .joinNoWait({ topic: "topic", secret: "secret" })
          .pipe(Scope.provide(scope))
        return { topic, stats, leave: Scope.close(scope, Exit.void) }
      })
      const [a, b] = [yield* node, yield* node]
      yield* pass("9 seconds")
      assert.deepStrictEqual(yield* read("join_duration_ms"), [2])
      yield* a.topic.broadcast("hello")
      // The next reading of the counters sees all of this, and nothing happens after it.
      yield* pass("1 second")
      const [ofA, ofB] = [yield* a.stats, yield* b.stats]
      assert.isAbove(ofA.gossip.messagesOut, 0)
      const names = ["gossip_messages_out", "gossip_bytes_in", "gossip_connections", "gossip_topics", "dht_nodes"]
      assert.deepStrictEqual(yield* read(...names), [
        ofA.gossip.messagesOut + ofB.gossip.messagesOut,
        ofA.gossip.bytesIn + ofB.gossip.bytesIn,
        2,
        2,
        ofA.dht.nodes + ofB.dht.nodes,
      ])
      const [puts] = yield* read("dht_puts")
      assert.isAtLeast(puts!, 2)

      yield* a.leave
      assert.deepStrictEqual(yield* read("gossip_topics", "dht_nodes"), [1, ofB.dht.nodes])
      const [sentBefore] = yield* read("gossip_messages_out")
      yield* b.leave
      assert.deepStrictEqual(yield* read("gossip_topics", "gossip_connections", "dht_nodes"), [0, 0, 0])
      const atEnd = yield* read("gossip_messages_out", "dht_puts")
      assert.isAbove(atEnd[0]!, sentBefore!, "the last words count")
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* read("gossip_messages_out", "dht_puts"), atEnd)
    }).pipe(measured),
  )

  it.effect("are read as often as is said", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const layer = TrackerMetrics.layer({ every: "1 second" }).pipe(
        Layer.provideMerge(TopicTracker.layerMemory(world)),
      )
      const tracker = Context.get(yield* Layer.build(layer), TopicTracker)
      yield* pass("100 millis")
      yield* tracker.joinNoWait({ topic: "topic", secret: "secret" })
      yield* pass("800 millis")
      assert.deepStrictEqual(yield* read("gossip_topics", "gossip_lagged"), [0, 0])
      yield* pass("200 millis")
      assert.deepStrictEqual(yield* read("gossip_topics"), [1])
    }).pipe(measured),
  )
})
