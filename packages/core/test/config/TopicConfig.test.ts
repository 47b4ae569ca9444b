import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as TopicConfig from "../../src/config/index.ts"

/** The message of the error that this input makes. */
const messageOf = (input: object) => Effect.flip(TopicConfig.make(input)).pipe(Effect.map((error) => error.message))

const millisOf = (group: object) =>
  Object.fromEntries(
    Object.entries<unknown>({ ...group }).map(([key, value]) => [
      key,
      Duration.isDuration(value) ? Duration.toMillis(value) : value,
    ]),
  )

describe("TopicConfig.make", () => {
  it.effect("has the defaults of the crate", () =>
    Effect.gen(function* () {
      const config = yield* TopicConfig.make()
      // distributed-topic-tracker 0.3.5, src/config.rs, the `Default` of each part.
      assert.deepStrictEqual(millisOf(config.bootstrap), {
        maxBootstrapRecords: 5,
        publishRecordOnStartup: true,
        checkOlderRecordsFirstOnStartup: false,
        noPeersRetryInterval: 1500,
        perPeerJoinSettleTime: 100,
        joinConfirmationWaitTime: 500,
        discoveryPollInterval: 2000,
      })
      assert.deepStrictEqual(millisOf(config.publisher), {
        enabled: true,
        initialDelay: 10_000,
        baseInterval: 10_000,
        maxJitter: 50_000,
        failTopicCreationOnPublishingStartupFailure: true,
      })
      const merge = {
        enabled: true,
        initialInterval: 30_000,
        baseInterval: 60_000,
        maxJitter: 120_000,
        maxJoinPeers: 2,
        failTopicCreationOnMergeStartupFailure: true,
      }
      assert.deepStrictEqual(millisOf(config.bubbleMerge), { ...merge, minNeighbors: 4 })
      assert.deepStrictEqual(millisOf(config.messageOverlapMerge), merge)
      const { bootstrap: nodes, host, port, nodesFile, knownNodes, readOnly, ...dht } = config.dht
      assert.deepStrictEqual(millisOf(dht), {
        retries: 3,
        baseRetryInterval: 5000,
        maxRetryJitter: 10_000,
        putTimeout: 10_000,
        getTimeout: 10_000,
      })
      assert.deepStrictEqual([nodes, host, port, nodesFile, knownNodes, readOnly], [[], "", 0, "", [], false])
      assert.strictEqual(config.profile, "fast")
      assert.deepStrictEqual(config.network, {
        relays: "public",
        publishPrivateAddresses: false,
        publishAddressPacket: true,
        addressRepublishInterval: Duration.hours(1),
      })
      assert.deepStrictEqual(millisOf(config.timeouts), { joinPeer: 5000, broadcast: 5000, broadcastNeighbors: 5000 })
      assert.deepStrictEqual(config.join, { maxJoinPeerCount: 4 })
      assert.deepStrictEqual(config.subscribers, { capacity: 64, whenSlow: "drop-oldest" })
      assert.deepStrictEqual(config, TopicConfig.defaults)
    }),
  )

  it.effect("replaces defaults with the given options and keeps the other defaults", () =>
    Effect.gen(function* () {
      const config = yield* TopicConfig.make({
        publisher: { baseInterval: "3 seconds", maxJitter: 0, initialDelay: undefined },
        dht: { bootstrap: ["127.0.0.1:6881", { host: "router.example", port: 1 }], host: "127.0.0.1" },
        subscribers: { whenSlow: "backpressure" },
      })
      assert.deepStrictEqual(config, {
        ...TopicConfig.defaults,
        publisher: { ...TopicConfig.defaults.publisher, baseInterval: Duration.seconds(3), maxJitter: Duration.zero },
        dht: {
          ...TopicConfig.defaults.dht,
          bootstrap: [
            { host: "127.0.0.1", port: 6881 },
            { host: "router.example", port: 1 },
          ],
          host: "127.0.0.1",
        },
        subscribers: { capacity: 64, whenSlow: "backpressure" },
      })
      assert.deepStrictEqual(yield* TopicConfig.make(config), config)
    }),
  )

  it.effect("takes durations in each form that Effect has", () =>
    Effect.gen(function* () {
      for (const baseInterval of [
        90_000,
        90_000_000_000n,
        "90 seconds",
        [90, 0],
        { minutes: 1, seconds: 30 },
      ] as const) {
        const config = yield* TopicConfig.make({ publisher: { baseInterval } })
        assert.strictEqual(Duration.toMillis(config.publisher.baseInterval), 90_000)
      }
    }),
  )

  it.effect("applies an input to a base other than the defaults", () =>
    Effect.gen(function* () {
      const base = yield* TopicConfig.make({ publisher: { baseInterval: "3 seconds" }, join: { maxJoinPeerCount: 2 } })
      const config = yield* TopicConfig.make(
        { publisher: { maxJitter: 0 }, join: { maxJoinPeerCount: undefined } },
        base,
      )
      assert.deepStrictEqual(config, { ...base, publisher: { ...base.publisher, maxJitter: Duration.zero } })
    }),
  )

  it.effect("turns the publisher off when no record may be published", () =>
    Effect.gen(function* () {
      const config = yield* TopicConfig.make({ bootstrap: { maxBootstrapRecords: 0 } })
      assert.isFalse(config.publisher.enabled)
      assert.isTrue((yield* TopicConfig.make({ bootstrap: { maxBootstrapRecords: 1 } })).publisher.enabled)
    }),
  )

  const duration = (range: string) =>
    `expected a duration (${range}, at most 24 days) such as "5 seconds" or 1500, which are milliseconds`
  const nodes =
    'expected a list of HOST:PORT such as "127.0.0.1:6881,router.example.org:6881", IPv4 or names, ports from 1 to 65535'
  const bad: ReadonlyArray<readonly [input: object, message: string]> = [
    [{ publisher: { baseInterval: 0 } }, `publisher.baseInterval is 0; ${duration("above 0")}`],
    [
      { bubbleMerge: { baseInterval: "-5 seconds" } },
      `bubbleMerge.baseInterval is "-5 seconds"; ${duration("above 0")}`,
    ],
    [{ messageOverlapMerge: { maxJitter: -1 } }, `messageOverlapMerge.maxJitter is -1; ${duration("0 or more")}`],
    [{ timeouts: { broadcast: Number.NaN } }, `timeouts.broadcast is NaN; ${duration("above 0")}`],
    [{ publisher: { initialDelay: Number.NaN } }, `publisher.initialDelay is NaN; ${duration("0 or more")}`],
    [{ timeouts: { joinPeer: "Infinity" } }, `timeouts.joinPeer is "Infinity"; ${duration("above 0")}`],
    [{ dht: { getTimeout: "25 days" } }, `dht.getTimeout is "25 days"; ${duration("above 0")}`],
    [{ dht: { putTimeout: "soon" } }, `dht.putTimeout is "soon"; ${duration("above 0")}`],
    [{ dht: { baseRetryInterval: -5n } }, `dht.baseRetryInterval is -5n; ${duration("above 0")}`],
    [
      { publisher: { initialDelay: { second: 10 } } },
      `publisher.initialDelay is {"second":10}; ${duration("0 or more")}`,
    ],
    [
      { publisher: { initialDelay: { minutes: 1, second: 10 } } },
      `publisher.initialDelay is {"minutes":1,"second":10}; ${duration("0 or more")}`,
    ],
    [
      { publisher: { maxJitter: { seconds: Number.NaN } } },
      `publisher.maxJitter is {"seconds":NaN}; ${duration("0 or more")}`,
    ],
    [
      { publisher: { maxJitter: { seconds: "5" } } },
      `publisher.maxJitter is {"seconds":"5"}; ${duration("0 or more")}`,
    ],
    [{ dht: { maxRetryJitter: {} } }, `dht.maxRetryJitter is {}; ${duration("0 or more")}`],
    [{ dht: { maxRetryJitter: [Number.NaN, 0] } }, `dht.maxRetryJitter is [NaN,0]; ${duration("0 or more")}`],
    [{ dht: { retries: -1 } }, "dht.retries is -1; expected a whole number from 0 to 100"],
    [{ dht: { retries: 1.5 } }, "dht.retries is 1.5; expected a whole number from 0 to 100"],
    [
      { bootstrap: { maxBootstrapRecords: 21 } },
      "bootstrap.maxBootstrapRecords is 21; expected a whole number from 0 to 20",
    ],
    [
      { bootstrap: { pollBreadth: 4 } },
      "bootstrap.pollBreadth is no option; expected one of maxBootstrapRecords, publishRecordOnStartup, checkOlderRecordsFirstOnStartup, noPeersRetryInterval, perPeerJoinSettleTime, joinConfirmationWaitTime, discoveryPollInterval",
    ],
    [{ bubbleMerge: { maxJoinPeers: 6 } }, "bubbleMerge.maxJoinPeers is 6; expected a whole number from 1 to 5"],
    [
      { messageOverlapMerge: { maxJoinPeers: 0 } },
      "messageOverlapMerge.maxJoinPeers is 0; expected a whole number from 1 to 5",
    ],
    [{ join: { maxJoinPeerCount: 0 } }, "join.maxJoinPeerCount is 0; expected a whole number from 1 to 5"],
    [{ publisher: { enabled: "maybe" } }, 'publisher.enabled is "maybe"; expected true or false'],
    [{ subscribers: { whenSlow: "drop" } }, 'subscribers.whenSlow is "drop"; expected "drop-oldest" or "backpressure"'],
    [{ dht: { bootstrap: "127.0.0.1" } }, `dht.bootstrap is "127.0.0.1"; ${nodes}`],
    [{ dht: { bootstrap: ["127.0.0.1:6881", "x:0"] } }, `dht.bootstrap is ["127.0.0.1:6881","x:0"]; ${nodes}`],
    [
      { dht: { bootstrap: [{ host: "127.0.0.1", port: 65536 }] } },
      `dht.bootstrap is [{"host":"127.0.0.1","port":65536}]; ${nodes}`,
    ],
    [
      { dht: { host: "256.0.0.1" } },
      'dht.host is "256.0.0.1"; expected an IPv4 address of this host such as "127.0.0.1", or "" for the automatic choice',
    ],
    [
      { network: { relays: ["https://relay.example", "relay.example"] } },
      `network.relays is ["https://relay.example","relay.example"]; expected "public", "none", or a list of http or https URLs such as "https://relay.example.org"`,
    ],
    [
      { network: { relays: true } },
      'network.relays is true; expected "public", "none", or a list of http or https URLs such as "https://relay.example.org"',
    ],
    [{ profile: "slow" }, 'profile is "slow"; expected "fast" or "reference"'],
    [{ profile: { timing: "fast" } }, 'profile is {"timing":"fast"}; expected "fast" or "reference"'],
    [
      { dht: { knownNodes: ["0123@127.0.0.1:1"] } },
      'dht.knownNodes is ["0123@127.0.0.1:1"]; expected a list of nodes as Dht.snapshot returns them, or of ID@HOST:PORT with 40 hex digits and an IPv4 address',
    ],
    [
      { dht: { bootstrap: ["127.0.0.1:1", "localhost:2"], host: "192.168.0.2" } },
      'dht.host is "192.168.0.2"; expected a loopback address such as "127.0.0.1", because all nodes of dht.bootstrap are on this host',
    ],
    [{ dht: { port: 65536 } }, "dht.port is 65536; expected a whole number from 0 to 65535"],
    [
      { timeouts: { joinPeers: 5 } },
      "timeouts.joinPeers is no option; expected one of joinPeer, broadcast, broadcastNeighbors",
    ],
    [
      { gossip: {} },
      "gossip is no option; expected one of profile, bootstrap, publisher, bubbleMerge, messageOverlapMerge, dht, timeouts, join, subscribers, network",
    ],
    [{ publisher: false }, "publisher is false; expected an object of options"],
  ]
  for (const [input, message] of bad) {
    it.effect(`reports ${message}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* messageOf(input), message)
      }),
    )
  }

  it.effect("reports all invalid options at once", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(TopicConfig.make({ publisher: { baseInterval: 0 }, dht: { retries: 101 } }))
      assert.deepStrictEqual(
        error.issues.map(({ option, value }) => [option, value]),
        [
          ["publisher.baseInterval", "0"],
          ["dht.retries", "101"],
        ],
      )
    }),
  )
})

describe("the DHT client of a configuration", () => {
  it.effect("has its nodes, address and time-outs, and leaves retries to the publisher", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(TopicConfig.dhtOptions(TopicConfig.defaults), {
        knownNodes: [],
        port: 0,
        readOnly: false,
        getTimeout: Duration.seconds(10),
        putTimeout: Duration.seconds(10),
        retries: 0,
      })
      const config = yield* TopicConfig.make({ dht: { bootstrap: "127.0.0.1:1", host: "127.0.0.2", port: 7 } })
      const options = TopicConfig.dhtOptions(config)
      assert.deepStrictEqual(
        [options.bootstrap, options.host, options.port],
        [[{ host: "127.0.0.1", port: 1 }], "127.0.0.2", 7],
      )
    }),
  )

  it.effect("stays on this host when all its bootstrap nodes do", () =>
    Effect.gen(function* () {
      const isLoopbackOnly = (bootstrap: string) =>
        Effect.map(TopicConfig.make({ dht: { bootstrap } }), TopicConfig.isLoopbackOnly)
      assert.isTrue(yield* isLoopbackOnly("127.0.0.1:1,127.9.9.9:2,localhost:3"))
      assert.isTrue(yield* isLoopbackOnly("LOCALHOST:1"))
      assert.isFalse(yield* isLoopbackOnly("127.0.0.1:1,10.0.0.1:2"))
      assert.isFalse(yield* isLoopbackOnly("127.example.org:1"))
      assert.isFalse(yield* isLoopbackOnly(""))
    }),
  )
})
