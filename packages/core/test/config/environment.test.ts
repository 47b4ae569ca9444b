import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect } from "effect"
import * as TopicConfig from "../../src/config/index.ts"

/** The lines of a message, without the name of the class that Effect puts around it. */
const messagesOf = (message: string) =>
  message
    .replace(/^SchemaError\((.*)\)$/s, "$1")
    .split("\n")
    .sort()

describe("TopicConfig.config", () => {
  const read = (provider: ConfigProvider.ConfigProvider) => TopicConfig.config.parse(provider)
  const environment = (env: Record<string, string>) => read(ConfigProvider.fromEnv({ env }))

  it.effect("has the defaults if nothing is set", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* environment({ PATH: "/bin" }), TopicConfig.defaults)
      assert.deepStrictEqual(yield* read(ConfigProvider.fromUnknown({})), TopicConfig.defaults)
    }),
  )

  const expected = TopicConfig.make({
    bootstrap: { maxBootstrapRecords: 3, publishRecordOnStartup: false, noPeersRetryInterval: 750 },
    publisher: { baseInterval: "20 seconds" },
    dht: { bootstrap: ["127.0.0.1:6881", "127.0.0.1:6882"] },
    subscribers: { whenSlow: "backpressure" },
    network: { relays: ["https://relay.example", "http://10.0.0.1:3340"] },
  })

  it.effect("reads the environment", () =>
    Effect.gen(function* () {
      const config = yield* environment({
        TOPIC_TRACKER_BOOTSTRAP_MAX_BOOTSTRAP_RECORDS: "3",
        TOPIC_TRACKER_BOOTSTRAP_PUBLISH_RECORD_ON_STARTUP: "no",
        TOPIC_TRACKER_BOOTSTRAP_NO_PEERS_RETRY_INTERVAL: "750",
        TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL: "20 seconds",
        TOPIC_TRACKER_DHT_BOOTSTRAP: "127.0.0.1:6881,127.0.0.1:6882",
        TOPIC_TRACKER_SUBSCRIBERS_WHEN_SLOW: "backpressure",
        TOPIC_TRACKER_NETWORK_RELAYS: "https://relay.example, http://10.0.0.1:3340",
      })
      assert.deepStrictEqual(config, yield* expected)
    }),
  )

  const json = {
    topicTracker: {
      bootstrap: { maxBootstrapRecords: 3, publishRecordOnStartup: false, noPeersRetryInterval: 750 },
      publisher: { baseInterval: "20 seconds" },
      dht: { bootstrap: ["127.0.0.1:6881", "127.0.0.1:6882"] },
      subscribers: { whenSlow: "backpressure" },
      network: { relays: ["https://relay.example", "http://10.0.0.1:3340"] },
    },
  }

  it.effect("reads JSON, also below another key", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(ConfigProvider.fromUnknown(json)), yield* expected)
      const nested = Config.nested(TopicConfig.config, "app").parse(ConfigProvider.fromUnknown({ app: json }))
      assert.deepStrictEqual(yield* nested, yield* expected)
    }),
  )

  it.effect("is an effect over the current provider", () =>
    Effect.gen(function* () {
      const config = yield* TopicConfig.config
      assert.strictEqual(config.dht.retries, 7)
    }).pipe(
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ topicTracker: { dht: { retries: 7 } } }))),
    ),
  )

  it.effect("names every value that cannot be read", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        environment({ TOPIC_TRACKER_DHT_RETRIES: "many", TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL: "0" }),
      )
      assert.include(error.message, 'dht.retries is "many"; expected a whole number from 0 to 100')
      assert.include(error.message, 'publisher.baseInterval is "0"; expected a duration (above 0')
    }),
  )

  it.effect("reports values that are not text, and accepts nodes in the form of code", () =>
    Effect.gen(function* () {
      const file = (topicTracker: unknown) => read(ConfigProvider.fromUnknown({ topicTracker }))
      for (const [topicTracker, line] of [
        [
          { publisher: { baseInterval: { seconds: 20 } } },
          'publisher.baseInterval is {"seconds":"20"}; expected a duration',
        ],
        [
          { subscribers: { whenSlow: [["drop-oldest"]] } },
          'subscribers.whenSlow is [["drop-oldest"]]; expected "drop-oldest" or "backpressure"',
        ],
        [
          { dht: { bootstrap: [{ host: "127.0.0.1" }] } },
          'dht.bootstrap is [{"host":"127.0.0.1"}]; expected a list of',
        ],
        [{ publisher: false }, 'publisher is "false"; expected an object of options'],
        [{ publisher: [{ enabled: false }] }, 'publisher is [{"enabled":"false"}]; expected an object of options'],
        [{ publisher: { speed: 3 } }, "publisher.speed is no option; expected one of enabled, "],
        [{ publishing: { enabled: false } }, "publishing is no option; expected one of profile, bootstrap, "],
        [false, 'topicTracker is "false"; expected an object of groups of options'],
      ] as const) {
        const error = yield* Effect.flip(file(topicTracker))
        assert.include(error.message, line)
        assert.strictEqual(error.message.split("\n").length, 1)
      }
      const config = yield* file({ dht: { bootstrap: [{ host: "127.0.0.1", port: 6881 }, "127.0.0.1:6882"] } })
      assert.deepStrictEqual(config.dht.bootstrap, [
        { host: "127.0.0.1", port: 6881 },
        { host: "127.0.0.1", port: 6882 },
      ])
      const mapped = ConfigProvider.fromEnv({ env: { TOPIC_TRACKER_PUBLISHER_ENABLED: "false" } })
      const constant = yield* read(ConfigProvider.constantCase(mapped))
      assert.isFalse(constant.publisher.enabled)
    }),
  )

  const nearest = (name: string, option: string) =>
    `${name} is no option; expected the variable of an option; the nearest is ${option}`

  it.effect("names each variable with our prefix that is no option, and the nearest option", () =>
    Effect.gen(function* () {
      const unknown = (env: Record<string, string>) =>
        Effect.map(Effect.flip(environment(env)), ({ message }) => messagesOf(message))
      assert.deepStrictEqual(yield* unknown({ TOPIC_TRACKER_DHT_PORTS: "1" }), [
        nearest("TOPIC_TRACKER_DHT_PORTS", "TOPIC_TRACKER_DHT_PORT"),
      ])
      // Names of options that existed earlier.
      assert.deepStrictEqual(yield* unknown({ TOPIC_TRACKER_DHT_ALPHA: "3", TOPIC_TRACKER_DHT_RETRY_DELAY: "1" }), [
        nearest("TOPIC_TRACKER_DHT_ALPHA", "TOPIC_TRACKER_DHT_HOST"),
        nearest("TOPIC_TRACKER_DHT_RETRY_DELAY", "TOPIC_TRACKER_DHT_RETRIES"),
      ])
      assert.deepStrictEqual(
        yield* unknown({
          // A name that continues after that of an option, with and without that option.
          TOPIC_TRACKER_PUBLISHER_ENABLED: "true",
          TOPIC_TRACKER_PUBLISHER_ENABLED_NOW: "true",
          TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL_MS: "1",
          // The beginning of an option's name.
          TOPIC_TRACKER_DHT: "127.0.0.1:6881",
          TOPIC_TRACKER_DHT_PORT: "1",
          TOPIC_TRACKER__: "1",
        }),
        [
          nearest("TOPIC_TRACKER_DHT", "TOPIC_TRACKER_DHT_HOST"),
          nearest("TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL_MS", "TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL"),
          nearest("TOPIC_TRACKER_PUBLISHER_ENABLED_NOW", "TOPIC_TRACKER_PUBLISHER_ENABLED"),
          nearest("TOPIC_TRACKER__", "TOPIC_TRACKER_PROFILE"),
        ],
      )
      const nested = Config.nested(TopicConfig.config, "APP").parse(
        ConfigProvider.fromEnv({ env: { APP_TOPIC_TRACKER_DHT_PROT: "1", TOPIC_TRACKER_DHT_PROT: "1" } }),
      )
      assert.include((yield* Effect.flip(nested)).message, nearest("TOPIC_TRACKER_DHT_PROT", "TOPIC_TRACKER_DHT_PORT"))
    }),
  )

  it.effect("ignores variables that are empty, have another prefix, hold the secret, or are set by Kubernetes", () =>
    Effect.gen(function* () {
      const config = yield* environment({
        TOPIC_TRACKER_SECRET: "only members know",
        TOPIC_TRACKER_NO_OPTION: "",
        TOPIC_TRACKERS: "1",
        MY_TOPIC_TRACKER_DHT_PROT: "1",
        TOPIC_TRACKER_SERVICE_HOST: "10.0.0.1",
        TOPIC_TRACKER_SERVICE_PORT: "6881",
        TOPIC_TRACKER_SERVICE_PORT_DHT: "6881",
        TOPIC_TRACKER_PORT: "udp://10.0.0.1:6881",
        TOPIC_TRACKER_PORT_6881_UDP: "udp://10.0.0.1:6881",
        TOPIC_TRACKER_PORT_6881_UDP_ADDR: "10.0.0.1",
      })
      assert.deepStrictEqual(config, TopicConfig.defaults)
    }),
  )

  it.effect("reads lists of which each item has a variable", () =>
    Effect.gen(function* () {
      const id = "00".repeat(20)
      const config = yield* environment({
        TOPIC_TRACKER_DHT_BOOTSTRAP_0: "127.0.0.1:1",
        TOPIC_TRACKER_DHT_BOOTSTRAP_1: "127.0.0.1:2",
        TOPIC_TRACKER_DHT_KNOWN_NODES: `${id}@127.0.0.1:3`,
        TOPIC_TRACKER_NETWORK_RELAYS: "none",
        TOPIC_TRACKER_PROFILE: "reference",
      })
      assert.deepStrictEqual(config.dht.bootstrap, [
        { host: "127.0.0.1", port: 1 },
        { host: "127.0.0.1", port: 2 },
      ])
      assert.deepStrictEqual(config.dht.knownNodes, [{ id: new Uint8Array(20), host: "127.0.0.1", port: 3 }])
      assert.strictEqual(config.network.relays, "none")
      assert.strictEqual(config.profile, "reference")
    }),
  )
})
