import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { defaults } from "../../../src/config/TopicConfig.ts"
import { type Tuning, tuningOf } from "../../../src/config/Tuning.ts"
import { FIRST_POLL, type LookupOutcome, nextPoll, pollDelay } from "../../../src/topic/search/polling.ts"

describe("pollDelay", () => {
  const waits = (outcomes: ReadonlyArray<LookupOutcome>, tuning: Partial<Tuning> = {}) => {
    const settings = { config: defaults, tuning: tuningOf("fast", { pollJitter: 0, ...tuning }) }
    let rhythm = FIRST_POLL
    return Effect.forEach(outcomes, (outcome) => {
      const wait = pollDelay(settings, rhythm, outcome)
      rhythm = nextPoll(settings, rhythm, outcome)
      return wait
    })
  }
  const times = (count: number, outcome: LookupOutcome) => Array.from({ length: count }, () => outcome)

  it.effect("grows from the fast interval to the crate's, which depends on the result of the lookup", () =>
    Effect.gen(function* () {
      const nothing = yield* waits(times(12, "nothing"))
      assert.deepStrictEqual(nothing.slice(0, 3), [50, 75, 113])
      assert.deepStrictEqual(nothing.slice(8, 11), [1281, 1500, 1650])
      const peers = yield* waits(times(12, "peers"))
      assert.deepStrictEqual(peers.slice(-2), [2000, 2000])
    }),
  )

  it.effect("continues to grow slowly while lookups find nothing, and is the crate's again after a find", () =>
    Effect.gen(function* () {
      const alone = yield* waits([...times(40, "nothing"), "peers", "nothing", "nothing"])
      assert.deepStrictEqual(alone.slice(-5), [5000, 5000, 2000, 1500, 1650])
      const sum = alone.slice(0, 20).reduce((total, wait) => total + wait, 0)
      assert.isAbove(sum, 25_000)
      assert.isBelow(sum, 35_000, "some 20 lookups in the first 30 s, however long it takes")
    }),
  )

  it.effect(
    "grows to a minute while peers answer that they have no place, and is the crate's again after another result",
    () =>
      Effect.gen(function* () {
        const refused = yield* waits([...times(24, "refused"), "peers", "refused"])
        assert.deepStrictEqual(refused.slice(8, 13), [1281, 1922, 2883, 4325, 6487])
        assert.deepStrictEqual(refused.slice(-4), [60_000, 60_000, 2000, 2000])
      }),
  )

  it.effect("stays at the crate's interval if the slow one is not longer", () =>
    Effect.gen(function* () {
      const alone = yield* waits(times(40, "nothing"), { slowPollMs: 1 })
      assert.deepStrictEqual(alone.slice(-2), [1500, 1500])
    }),
  )
})
