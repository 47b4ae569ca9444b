/** Tests of the configuration of a tracker's layers. */
import { assert, describe, it } from "@effect/vitest"
import { Identity } from "@topic-tracker/crypto"
import { ConfigProvider, Context, Effect, Layer, Redacted } from "effect"
import { tuningOf } from "../../src/config/Tuning.ts"
import * as MemoryWorld from "../../src/testing/MemoryWorld.ts"
import { type NodeOptions, TopicTracker } from "../../src/tracker/TopicTracker.ts"
import { makeWorld, pass } from "../topic/world.ts"

/** A loopback address on which no node listens. */
const dht = { bootstrap: ["127.0.0.1:1"] }

/** The configuration of a topic on a node from these sources. */
const configOf = (env: Record<string, string>, options: NodeOptions, ofTopic = {}) =>
  Effect.gen(function* () {
    const layer = TopicTracker.layerConfig(options).pipe(
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))),
    )
    const tracker = Context.get(yield* Layer.build(layer), TopicTracker)
    return (yield* tracker.joinNoWait({ topic: "topic", secret: "secret", config: ofTopic })).config
  }).pipe(Effect.scoped)

const SOURCES = { TOPIC_TRACKER_DHT_RETRIES: "7", TOPIC_TRACKER_JOIN_MAX_JOIN_PEER_COUNT: "3" }

describe("TopicTracker.layerConfig", () => {
  it.live("puts the environment over code, code over defaults, and a topic over all", () =>
    Effect.gen(function* () {
      const code = { dht: { ...dht, retries: 1, getTimeout: "1 second" }, subscribers: { capacity: 9 } } as const
      const config = yield* configOf(SOURCES, { config: code }, { join: { maxJoinPeerCount: 2 } })
      assert.strictEqual(config.dht.retries, 7, "the environment's")
      assert.deepStrictEqual(config.dht.bootstrap, [{ host: "127.0.0.1", port: 1 }], "code's")
      assert.strictEqual(config.subscribers.capacity, 9, "code's")
      assert.strictEqual(config.publisher.enabled, true, "the default")
      assert.strictEqual(config.join.maxJoinPeerCount, 2, "the topic's")
    }),
  )

  it.live("reports errors of code and of the environment separately, each with all invalid options", () =>
    Effect.gen(function* () {
      const code = yield* Effect.flip(configOf({}, { config: { dht: { ...dht, retries: -1, port: -1 } } }))
      assert.strictEqual(code._tag, "TopicConfigError")
      assert.strictEqual(code.message.split("\n").length, 2)
      const environment = { TOPIC_TRACKER_DHT_RETRIES: "-1", TOPIC_TRACKER_DHT_PROT: "1" }
      const env = yield* Effect.flip(configOf(environment, { config: { dht } }))
      assert.strictEqual(env._tag, "ConfigError")
      assert.include(env.message, 'dht.retries is "-1"; expected a whole number from 0 to 100')
      assert.include(env.message, "TOPIC_TRACKER_DHT_PROT is no option")
      // Each is allowed by itself.
      const both = yield* Effect.flip(configOf({ TOPIC_TRACKER_DHT_HOST: "192.0.2.1" }, { config: { dht } }))
      assert.strictEqual(both._tag, "TopicConfigError")
      assert.include(both.message, "dht.host is")
    }),
  )
})

describe("the options of a layer", () => {
  it.effect("an unknown name is an error that lists the names", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      for (const [layer, names] of [
        [
          TopicTracker.layer({ bootstrap: ["127.0.0.1:1"] } as NodeOptions),
          "config, identity, rotation, crypto, gossip",
        ],
        [TopicTracker.layerConfig({ bootstrap: [] } as NodeOptions), "config, identity, rotation, crypto, gossip"],
        [
          MemoryWorld.layer(world, { bootstrap: [] } as object),
          "config, identity, rotation, gossip, addressLookup, dht",
        ],
      ] as const) {
        const error = yield* Effect.flip(Layer.build(layer))
        assert.strictEqual(error.message, `bootstrap is no option; expected one of ${names}`)
      }
    }),
  )

  it.effect("the seed is copied at the call, so that its owner can clear it", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const idOf = (layer: Layer.Layer<Identity, unknown>) =>
        Effect.scoped(Effect.map(Layer.build(layer), (services) => Context.get(services, Identity).endpointId))
      const seed = () => new Uint8Array(32).fill(7)
      const expected = yield* idOf(MemoryWorld.layer(world, { identity: seed() }))
      const config = { dht }
      for (const layerOf of [
        (identity: Uint8Array) => MemoryWorld.layer(world, { identity }),
        (identity: Uint8Array) => MemoryWorld.layer(world, { identity: Redacted.make(identity) }),
        (identity: Uint8Array) => TopicTracker.layer({ config, identity }),
        (identity: Uint8Array) => TopicTracker.layer({ config, identity: Redacted.make(identity) }),
        (identity: Uint8Array) => TopicTracker.layerConfig({ config, identity }),
      ]) {
        const bytes = seed()
        const layer = layerOf(bytes)
        bytes.fill(0)
        assert.strictEqual(yield* idOf(layer), expected)
      }
    }),
  )
})

describe("the profile", () => {
  /** Lookups of a node that is alone, in its first second and in the half minute after that. */
  const lookups = Effect.fnUntraced(function* (ofNode: Profiled, ofTopic: Profiled = {}) {
    const world = yield* makeWorld()
    const topic = yield* (yield* world.node({ config: ofNode })).join({ config: ofTopic })
    yield* pass("1 second")
    const first = (yield* topic.stats).lookups
    yield* pass("30 seconds")
    return [first, (yield* topic.stats).lookups - first] as const
  })

  it.effect("fast polls often at first, and rarely while the node stays alone", () =>
    Effect.gen(function* () {
      const [first, later] = yield* lookups({})
      assert.isAtLeast(first, 4)
      assert.isAtMost(later, 16)
    }),
  )

  it.effect("reference polls as the crate does: every 1.5 s from the start, also while the node stays alone", () =>
    Effect.gen(function* () {
      for (const run of [lookups({ profile: "reference" }), lookups({}, { profile: "reference" })]) {
        const [first, later] = yield* run
        // The second follows the put of the node's own record.
        assert.isAtMost(first, 2)
        assert.isTrue(later >= 18 && later <= 22, `${later} lookups in 30 s`)
      }
    }),
  )

  it.effect("reference has no suppression, early merge or reconnecting, and asks all nodes of a slot", () =>
    Effect.sync(() => {
      const [fast, reference] = [tuningOf("fast"), tuningOf("reference")]
      assert.isTrue(fast.reconnects && !reference.reconnects)
      assert.isTrue(fast.earlyMergeMs > 0 && reference.earlyMergeMs === 0)
      assert.isTrue(fast.maxSuppression > 1 && reference.maxSuppression === 1)
      assert.isTrue(fast.pollBreadth < 20 && reference.pollBreadth === 20)
    }),
  )
})

type Profiled = NodeOptions["config"] & object
