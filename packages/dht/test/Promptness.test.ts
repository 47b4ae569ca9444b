import { assert, describe, it } from "@effect/vitest"
import { Promptness } from "../src/lookup/Promptness.ts"

const widened = (prompt: number, late: number, count = 4) => {
  const promptness = new Promptness()
  promptness.prompt = prompt
  promptness.late = late
  return promptness.widened(count)
}

describe("Promptness", () => {
  it("asks no more nodes than wanted until one was late", () => {
    assert.strictEqual(widened(0, 0), 4)
    assert.strictEqual(widened(50, 0), 4)
  })

  it("asks so many that as many as wanted will probably answer, at most three times as many", () => {
    assert.strictEqual(widened(0, 1), 6)
    assert.strictEqual(widened(18, 1), 5)
    assert.strictEqual(widened(8, 10), 8)
    assert.strictEqual(widened(0, 100), 12)
    assert.strictEqual(widened(0, 100, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY)
  })
})
