import { assert, describe, it } from "@effect/vitest"
import { TopicTracker, TrackerMetrics } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Dht } from "@topic-tracker/dht"
import { Gossip } from "@topic-tracker/gossip"
import { Context, Effect, Exit, Layer, Metric, Schema, Scope } from "effect"
import { pass } from "./topic/world.ts"

/** The values of these metrics now; the count of a histogram. */
const read = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const all = yield* Metric.snapshot
  return names.map((name) => {
    const found = all.find(({ id }) => id === `topic_tracker_${name}`)
    if (found?.type === "Counter" || found?.type === "Histogram") return Number(found.state.count)
    return found?.type === "Gauge" ? Number(found.state.value) : undefined
  })
})

/** Gives the test a registry of its own. */
const measured = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => Effect.provideService(effect, Metric.MetricRegistry, new Map()))

/** A node in memory with metrics, and a topic that it has joined. */
const makeNode = Effect.fnUntraced(function* (world: MemoryWorld.MemoryWorld) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const layer = TrackerMetrics.layer().pipe(Layer.provideMerge(MemoryWorld.layer(world)))
  const services = yield* Layer.buildWithScope(layer, scope)
  const stats = Effect.all({ dht: Context.get(services, Dht).stats, gossip: Context.get(services, Gossip).stats })
  const topic = yield* Context.get(services, TopicTracker)
    .joinNoWait({ topic: "topic", secret: "secret" })
    .pipe(Scope.provide(scope))
  return { topic, stats, leave: Scope.close(scope, Exit.void) }
})

describe("metrics of a node", () => {
  it.effect("are the counters of the DHT client and of gossip, of all nodes together", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make({ network: { link: () => ({ delayMs: 20 }) } })
      const [a, b] = [yield* makeNode(world), yield* makeNode(world)]
      yield* pass("9 seconds")
      assert.deepStrictEqual(yield* read("join_duration"), [2])
      yield* a.topic.broadcast("hello")
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

      const [sentBefore] = yield* read("gossip_messages_out")
      yield* a.leave
      assert.deepStrictEqual(yield* read("gossip_topics", "dht_nodes"), [1, ofB.dht.nodes])
      const [sentAfter] = yield* read("gossip_messages_out")
      assert.isAbove(sentAfter!, sentBefore!, "the messages of the leave are counted")
      yield* b.leave
      assert.deepStrictEqual(yield* read("gossip_topics", "gossip_connections", "dht_nodes"), [0, 0, 0])
      const atEnd = yield* read("gossip_messages_out", "dht_puts")
      assert.isAtLeast(atEnd[0]!, sentAfter!, "a counter keeps its value when its node is gone")
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* read("gossip_messages_out", "dht_puts"), atEnd)
    }).pipe(measured),
  )

  it.effect("are there from the start, and current whenever they are read", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const layer = TrackerMetrics.layer().pipe(Layer.provideMerge(MemoryWorld.layer(world)))
      const tracker = Context.get(yield* Layer.build(layer), TopicTracker)
      assert.deepStrictEqual(yield* read("gossip_topics", "gossip_lagged"), [0, 0])
      yield* tracker.joinNoWait({ topic: "topic", secret: "secret" })
      assert.deepStrictEqual(yield* read("gossip_topics"), [1])
    }).pipe(measured),
  )

  it.effect("of nodes with other attributes are other series", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const named = (name: string) => Effect.provideService(makeNode(world), Metric.CurrentMetricAttributes, { name })
      yield* named("a")
      yield* named("b")
      const topics = (yield* Metric.snapshot).filter(({ id }) => id === "topic_tracker_gossip_topics")
      assert.deepStrictEqual(
        topics.map(({ attributes, state }) => [attributes?.name, state]),
        [
          ["a", { value: 1 }],
          ["b", { value: 1 }],
        ],
      )
    }).pipe(measured),
  )

  it.effect("give the duration of joins with its unit", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      yield* makeNode(world)
      yield* makeNode(world)
      yield* pass("5 seconds")
      const joins = (yield* Metric.snapshot).find(({ id }) => id === "topic_tracker_join_duration")
      assert.deepStrictEqual(joins?.attributes, { time_unit: "milliseconds" })
    }).pipe(measured),
  )

  it.effect("show how long messages take: the way through the swarm, writes, and acknowledgements", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make({ network: { link: () => ({ delayMs: 10 }) } })
      const node = Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const layer = TrackerMetrics.layer().pipe(Layer.provideMerge(MemoryWorld.layer(world)))
        const tracker = Context.get(yield* Layer.buildWithScope(layer, scope), TopicTracker)
        const topic = yield* tracker
          .joinNoWait({ topic: "topic", secret: "secret", access: "members" })
          .pipe(Scope.provide(scope))
        const channel = yield* topic.channel("c", Schema.String).pipe(Scope.provide(scope))
        return { channel, leave: Scope.close(scope, Exit.void) }
      })
      const nodes = [yield* node, yield* node, yield* node]
      yield* pass("9 seconds")
      for (let i = 0; i < 9; i++) {
        const within = "1 second"
        yield* Effect.forkScoped(
          Effect.ignore(nodes[i % 3]!.channel.publish(`${i}`, { acknowledge: { by: i === 0 ? 3 : 2, within } })),
        )
        yield* pass("2 seconds")
      }
      assert.deepStrictEqual(yield* read("channel_acknowledge_duration", "channel_unacknowledged"), [8, 1])
      const all = yield* Metric.snapshot
      const stateOf = (id: string) => {
        const found = all.find((each) => each.id === `topic_tracker_${id}`)
        if (found?.type !== "Histogram") return assert.fail(`${id} is no histogram`)
        assert.deepStrictEqual(found.attributes, { time_unit: "milliseconds" })
        return found.state
      }
      const acknowledged = stateOf("channel_acknowledge_duration")
      // There and back, over another node for one of the two.
      assert.isAtLeast(acknowledged.min, 20)
      assert.isAtMost(acknowledged.max, 1_000)
      const echo = stateOf("gossip_echo")
      assert.isAbove(echo.count, 0)
      assert.isAtLeast(echo.min, 30)
      // The buckets of a histogram have those below.
      assert.strictEqual(echo.buckets.find(([bound]) => bound === 16)?.[1], 0)
      assert.strictEqual(echo.buckets.at(-1)?.[1], echo.count)
      const [second, writes] = yield* read("gossip_second_copy", "gossip_write_duration")
      assert.isAbove(second!, 0)
      for (const each of nodes) yield* each.leave
      assert.isAtLeast(
        (yield* read("gossip_echo"))[0]!,
        echo.count,
        "a histogram keeps its times when its node is gone",
      )
      assert.isAtLeast((yield* read("gossip_write_duration"))[0]!, writes!)
    }).pipe(measured),
  )
})
