/** The dashboard for Grafana: it asks only for metrics that a node has. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { TrackerMetrics } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Duration, Effect, Layer, Metric } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"

interface Panel {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly targets: ReadonlyArray<{ readonly expr: string }>
}

const dashboard: { readonly panels: ReadonlyArray<Panel>; readonly templating: unknown } = JSON.parse(
  readFileSync(new URL("../grafana/topic-tracker.json", import.meta.url), "utf8"),
)

describe("grafana/topic-tracker.json", () => {
  it.effect("every metric that a panel asks for is one of a node, and rates are of counters", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const text = yield* Effect.gen(function* () {
        const { acknowledgeDuration, joinDuration, roundTrip, unacknowledged } = TrackerMetrics
        for (const timer of [acknowledgeDuration, joinDuration, roundTrip]) {
          yield* Metric.update(timer, Duration.millis(20))
        }
        yield* Metric.update(unacknowledged, 1)
        return yield* PrometheusMetrics.format()
      }).pipe(Effect.provide(TrackerMetrics.layer().pipe(Layer.provideMerge(MemoryWorld.layer(world)))))
      const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => [match[1]!, match[2]!]))
      const asked = [...JSON.stringify(dashboard).matchAll(/(rate\()?(topic_tracker_\w+)/g)]
      assert.isAbove(asked.length, 20)
      for (const [, rate, name] of asked) {
        const type = types.get(name!.replace(/_bucket$/, ""))
        assert.isDefined(type, name)
        if (rate !== undefined) assert.include(["counter", "histogram"], type, name)
      }
    }).pipe(Effect.scoped),
  )

  it("panels have ids of their own and do not overlap", () => {
    const { panels } = dashboard
    assert.lengthOf(new Set(panels.map(({ id }) => id)), panels.length)
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    )
    assert.lengthOf(new Set(cells), cells.length)
    for (const { gridPos } of panels) assert.isAtMost(gridPos.x + gridPos.w, 24)
  })
})
