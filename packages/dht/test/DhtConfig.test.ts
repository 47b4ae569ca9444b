import { assert, describe, it } from "@effect/vitest"
import { DhtConfig } from "@topic-tracker/dht"
import { Duration, Effect } from "effect"

/** Does not compile where the documented type and the schema's own differ. */
export const sameTypes: {
  readonly documented: (input: DhtConfig.DhtOptionsInput) => typeof DhtConfig.DhtOptions.Encoded
  readonly schema: (input: typeof DhtConfig.DhtOptions.Encoded) => DhtConfig.DhtOptionsInput
} = { documented: (input) => input, schema: (input) => input }

describe("DhtConfig", () => {
  it.effect("has a default for every option", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* DhtConfig.resolve({}), DhtConfig.defaults)
      assert.deepStrictEqual(yield* DhtConfig.resolve(DhtConfig.defaults), DhtConfig.defaults)
      assert.deepStrictEqual(yield* DhtConfig.resolve({ k: undefined }), DhtConfig.defaults)
      const { bootstrap, knownNodes, ...rest } = DhtConfig.defaults
      assert.deepStrictEqual([bootstrap, knownNodes], [DhtConfig.publicBootstrap, []])
      const plain = Object.entries(rest).map(([key, value]) => [
        key,
        Duration.isDuration(value) ? Duration.toMillis(value) : value,
      ])
      assert.deepStrictEqual(Object.fromEntries(plain), {
        host: "0.0.0.0",
        port: 0,
        k: 20,
        alpha: 16,
        maxOpenQueries: 256,
        maxQueriesPerLookup: 256,
        getTimeout: 10_000,
        putTimeout: 10_000,
        retries: 3,
        baseRetryInterval: 5_000,
        maxRetryJitter: 10_000,
        roundTripFloor: 25,
        roundTripInitial: 500,
        roundTripCeiling: 2_000,
        readOnly: false,
        introduceAfter: 10_000,
        equalSeq: "overwrite",
        storedItemsMax: 1_000,
        storedItemTtl: 7_200_000,
        queriesPerHost: 10,
        queriesTotal: 2_000,
        replyBytesPerHost: 8_000,
        replyBytesTotal: 100_000,
        nodesFile: "",
      })
    }),
  )

  it.effect("puts what is given in the place of defaults, a duration in any form that Effect has", () =>
    Effect.gen(function* () {
      const bootstrap = [
        { host: "127.0.0.1", port: 6881 },
        { host: "router.example.org", port: 1 },
      ]
      const options = yield* DhtConfig.resolve({
        bootstrap,
        port: 1,
        k: 8,
        retries: 0,
        getTimeout: "3 seconds",
        putTimeout: Duration.infinity,
        roundTripFloor: 50,
        readOnly: true,
        equalSeq: "keep-first",
      })
      assert.deepStrictEqual(options, {
        ...DhtConfig.defaults,
        bootstrap,
        port: 1,
        k: 8,
        retries: 0,
        getTimeout: Duration.seconds(3),
        putTimeout: Duration.infinity,
        roundTripFloor: Duration.millis(50),
        readOnly: true,
        equalSeq: "keep-first",
      })
    }),
  )

  it.effect.each([
    ["bootstrap", ["127.0.0.1"]],
    ["port", 65_536],
    ["k", 0],
    ["equalSeq", "last"],
    ["getTimeout", "soon"],
    ["retryDelay", "1 second"],
  ] as const)("refuses %s with the value %s and names it", ([name, value]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(DhtConfig.resolve({ [name]: value }))
      assert.strictEqual(error.reason, "InvalidArgument")
      assert.include(error.message, `["${name}"]`)
    }),
  )

  it.effect.each([
    ["getTimeout", Duration.millis(-1)],
    ["storedItemTtl", Duration.seconds(-1)],
    ["baseRetryInterval", Duration.infinity],
    ["maxRetryJitter", Duration.infinity],
    ["roundTripInitial", Duration.infinity],
    ["roundTripCeiling", Duration.infinity],
    ["roundTripCeiling", Duration.zero],
  ] as const)("refuses %s with the duration %s", ([name, duration]) =>
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
