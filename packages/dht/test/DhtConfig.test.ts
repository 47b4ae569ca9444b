import { assert, describe, it } from "@effect/vitest"
import { DhtConfig } from "@topic-tracker/dht"
import { ConfigProvider, Duration, Effect } from "effect"

const read = (env: Record<string, string>) => DhtConfig.fromEnvironment.parse(ConfigProvider.fromEnv({ env }))

describe("DhtConfig", () => {
  it.effect("an empty environment gives the defaults", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read({}), DhtConfig.defaults)
    }),
  )

  it.effect("every setting can be given", () =>
    Effect.gen(function* () {
      const options = yield* read({
        TOPIC_TRACKER_DHT_BOOTSTRAP: "127.0.0.1:6881,router.example.org:1",
        TOPIC_TRACKER_DHT_PORT: "0",
        TOPIC_TRACKER_DHT_K: "8",
        TOPIC_TRACKER_DHT_RETRIES: "0",
        TOPIC_TRACKER_DHT_GET_TIMEOUT: "3 seconds",
        TOPIC_TRACKER_DHT_READ_ONLY: "true",
        TOPIC_TRACKER_DHT_EQUAL_SEQ: "keep-first",
      })
      assert.deepStrictEqual(options, {
        ...DhtConfig.defaults,
        bootstrap: [
          { host: "127.0.0.1", port: 6881 },
          { host: "router.example.org", port: 1 },
        ],
        k: 8,
        retries: 0,
        getTimeout: Duration.seconds(3),
        readOnly: true,
        equalSeq: "keep-first",
      })
    }),
  )

  it.effect.each([
    ["TOPIC_TRACKER_DHT_BOOTSTRAP", "127.0.0.1", "host:port"],
    ["TOPIC_TRACKER_DHT_PORT", "65536", "PORT"],
    ["TOPIC_TRACKER_DHT_K", "0", "K"],
    ["TOPIC_TRACKER_DHT_EQUAL_SEQ", "last", "EQUAL_SEQ"],
    ["TOPIC_TRACKER_DHT_GET_TIMEOUT", "soon", "GET_TIMEOUT"],
  ])("%s=%s is refused by name", ([name, value, part]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ [name!]: value! }))
      assert.include(error.message, part!)
    }),
  )

  it.effect.each([
    ["getTimeout", Duration.millis(-1)],
    ["storedItemTtl", Duration.seconds(-1)],
    ["retryDelay", Duration.infinity],
    ["retryJitter", Duration.infinity],
    ["roundTripInitial", Duration.infinity],
    ["roundTripCeiling", Duration.infinity],
    ["roundTripCeiling", Duration.zero],
  ] as const)("no time can be as %s is: %s", ([name, duration]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(DhtConfig.resolve({ [name]: duration }))
      assert.strictEqual(error.reason, "InvalidArgument")
      assert.include(error.message, name)
    }),
  )

  it("reads host:port and nothing else", () => {
    assert.deepStrictEqual(DhtConfig.parseAddress("127.0.0.1:6881"), { host: "127.0.0.1", port: 6881 })
    assert.deepStrictEqual(DhtConfig.parseAddress(" dht-1.example.org:1 "), { host: "dht-1.example.org", port: 1 })
    for (const text of [
      "",
      "host",
      ":1",
      "host:",
      "host:0",
      "host:65536",
      "host:1:2",
      "1.2.3:5",
      "256.1.1.1:5",
      "a b:1",
      "-a:1",
    ]) {
      assert.isUndefined(DhtConfig.parseAddress(text), text)
    }
  })
})
