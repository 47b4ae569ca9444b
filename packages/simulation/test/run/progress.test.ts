import { assert, describe, it } from "@effect/vitest"
import { makeProgress } from "../../src/run/progress.ts"

/** A stream that keeps what is written, and a clock that the test sets. */
const setUp = (isTTY: boolean) => {
  const written: Array<string> = []
  const clock = { now: 0 }
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 }
  return { written, clock, progress: makeProgress(stream, () => clock.now) }
}

describe("progress without a terminal", () => {
  it("is a line with an estimate, at most one in ten seconds", () => {
    const { clock, progress, written } = setUp(false)
    const times = [0, 9_999, 10_000, 15_000, 20_000] as const
    for (const now of times) {
      clock.now = now
      progress.update(now / 10_000, 4)
    }
    progress.clear()
    assert.deepStrictEqual(written, [
      "1 of 4 runs after 10 s, about 30 s left\n",
      "2 of 4 runs after 20 s, about 20 s left\n",
    ])
  })
})

describe("progress on a terminal", () => {
  it("is a bar after two seconds, which is cleared at the end", () => {
    const { clock, progress, written } = setUp(true)
    progress.update(1, 4)
    clock.now = 2_000
    progress.update(2, 4)
    progress.clear()
    assert.deepStrictEqual(written, [`\r${"█".repeat(15)}${"░".repeat(15)} 2 of 4 runs`, "\r\u001b[K"])
  })
})
