import { assert, describe, it } from "@effect/vitest"
import { JOIN_FIGURES } from "../../src/mainline/joins.ts"
import { measureMainline } from "../../src/mainline/measure.ts"
import { WALK_FIGURES } from "../../src/mainline/walks.ts"
import { mainlinePreset } from "../../src/scenario/DhtSettings.ts"

describe("the figures of walks and joins", { timeout: 120_000 }, () => {
  // The goals, and a fifth more for the fewer samples. A walk that waits for each late node takes twice as long.
  for (const [preset, goals] of [
    ["real", { nearest: [1_100, 1_500], join: [1_500, 2_200], warm: 900, packets: 170 }],
    ["hard", { nearest: [2_500, 4_000], join: [3_000, 5_000], warm: 1_600, packets: 220 }],
    ["easy", { nearest: [550, 700], join: [850, 1_100], warm: 700, packets: 62 }],
  ] as const) {
    it(`lookups do not wait for late nodes: ${preset}`, () => {
      const run = measureMainline({ count: 12, seed: 1n, settings: { ...mainlinePreset(preset), alive: 1_000_000 } })
      const check = (figure: string, [p50, p95]: readonly [number, number]) => {
        const found = run.quantiles(figure)
        assert.isAtMost(found.p50, 1.2 * p50, `${figure}, p50`)
        assert.isAtMost(found.p95, 1.2 * p95, `${figure}, p95`)
      }
      check(WALK_FIGURES.coldGetNearest, goals.nearest)
      check(JOIN_FIGURES.cold, goals.join)
      // Remembered nodes help, except among many silent ones, and cost little if they are all gone.
      const joins = (figure: string) => run.quantiles(figure).p50
      if (preset !== "hard") assert.isAtMost(joins(JOIN_FIGURES.remembered), 0.95 * joins(JOIN_FIGURES.cold))
      assert.isAtMost(joins(JOIN_FIGURES.allGone), 1.25 * joins(JOIN_FIGURES.cold))
      assert.isAtMost(run.quantiles(JOIN_FIGURES.warm).p50, 1.2 * goals.warm)
      assert.isAtMost(run.quantiles(WALK_FIGURES.coldGetQueries).p50, goals.packets)
      assert.isAtMost(run.mean(WALK_FIGURES.coldPutFailed), 0.05)
      assert.strictEqual(run.mean(JOIN_FIGURES.never), 0)
    })
  }
})
