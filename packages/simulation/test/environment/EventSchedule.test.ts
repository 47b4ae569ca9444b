import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { EventSchedule } from "../../src/environment/EventSchedule.ts"

const time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))

describe("EventSchedule", () => {
  it.prop(
    "returns events by time and, at one time, in the order in which they were added",
    [Schema.Array(Schema.Union([time, Schema.Literal("pop")]))],
    ([steps]) => {
      const queue = new EventSchedule<{ readonly at: number; readonly order: number }>()
      const model: Array<{ readonly at: number; readonly order: number }> = []
      const popBoth = () => {
        model.sort((a, b) => a.at - b.at || a.order - b.order)
        assert.strictEqual(queue.nextAt, model[0]?.at)
        assert.deepStrictEqual(queue.takeNext(), model.shift())
      }
      steps.forEach((step, order) => {
        if (step === "pop") {
          popBoth()
          return
        }
        queue.scheduleAt(step, { at: step, order })
        model.push({ at: step, order })
        assert.strictEqual(queue.size, model.length)
      })
      while (model.length > 0) popBoth()
      assert.isUndefined(queue.takeNext())
    },
    { arbitrary: { size: 200 } },
  )

  it("grows as needed", () => {
    const queue = new EventSchedule<number>()
    for (let i = 0; i < 5_000; i++) queue.scheduleAt((i * 7_919) % 5_000, (i * 7_919) % 5_000)
    for (let i = 0; i < 5_000; i++) assert.strictEqual(queue.takeNext(), i)
  })
})
