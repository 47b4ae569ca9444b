import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { GossipConfig, type GossipConfigInput, resolveConfig } from "../src/GossipConfig.ts"

/** Does not compile where the type that editors show and the schema's own differ. */
export const sameTypes: {
  readonly shown: (input: GossipConfigInput) => typeof GossipConfig.Encoded
  readonly schema: (input: typeof GossipConfig.Encoded) => GossipConfigInput
} = { shown: (input) => input, schema: (input) => input }

describe("the options of gossip", () => {
  it.effect("have defaults, with durations in ms for the engine", () =>
    Effect.gen(function* () {
      const config = yield* resolveConfig()
      assert.deepStrictEqual(yield* resolveConfig({}), config)
      assert.strictEqual(config.membership.shuffleIntervalMs, 60_000)
      assert.strictEqual(config.broadcast.graftTimeout2Ms, 40)
      assert.deepStrictEqual([config.stallTimeoutMs, config.lingerMs, config.closeTimeoutMs], [5_000, 1_000, 1_000])
      assert.strictEqual(config.maxMessageSize, 4_096)
    }),
  )

  it.effect("take durations in each form that Effect has", () =>
    Effect.gen(function* () {
      const config = yield* resolveConfig({
        membership: { shuffleInterval: "2 minutes", neighborRequestTimeout: 250 },
        broadcast: { graftTimeout1: Duration.millis(90), dispatchTimeout: 0 },
        stallTimeout: { seconds: 7 },
        linger: undefined,
      })
      assert.deepStrictEqual(
        [config.membership.shuffleIntervalMs, config.membership.neighborRequestTimeoutMs],
        [120_000, 250],
      )
      assert.deepStrictEqual([config.broadcast.graftTimeout1Ms, config.broadcast.dispatchTimeoutMs], [90, 0])
      assert.deepStrictEqual([config.stallTimeoutMs, config.lingerMs], [7_000, 1_000])
    }),
  )

  const wrong: ReadonlyArray<readonly [name: string, input: object]> = [
    ["config.membership.shuffleInterval", { membership: { shuffleInterval: "soon" } }],
    ["config.membership.shuffleInterval", { membership: { shuffleInterval: -1 } }],
    ["config.membership.shuffleIntervalMs", { membership: { shuffleIntervalMs: 1_000 } }],
    ["config.membership.activeViewCapacity", { membership: { activeViewCapacity: 1 } }],
    ["config.stallTimeout", { stallTimeout: 0 }],
    ["config.sendQueueBytes", { sendQueueBytes: 1.5 }],
    ["config.speed", { speed: 3 }],
  ]
  for (const [name, input] of wrong) {
    it.effect(`an error names ${name} of ${JSON.stringify(input)}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(resolveConfig(input as GossipConfigInput))
        assert.strictEqual(error.reason, "InvalidArgument")
        assert.include(error.message, `${name}:`)
      }),
    )
  }

  it("have no number of milliseconds among their names", () => {
    const names = Object.keys(GossipConfig.from.fields)
    assert.isAtLeast(names.length, 7)
    for (const name of names) assert.notMatch(name, /Ms$/)
  })
})
