import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"

/**
 * Allocates much that lives for a while, as hundreds of topics do, and prints how large the young generation was meanwhile: the
 * median of 2,000 readings, in bytes. A single reading may fall into a marking of the old generation, in which it may grow.
 */
const program = `
  const { getHeapSpaceStatistics } = require("node:v8")
  const kept = []
  const sizes = []
  for (let i = 0; i < 2_000_000; i++) {
    kept.push({ i, text: [i] })
    if (kept.length > 50_000) kept.splice(0, 25_000)
    if (i % 1_000 === 0) sizes.push(getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size)
  }
  console.log(sizes.sort((a, b) => a - b)[sizes.length / 2])
`

const youngGeneration = (...options: ReadonlyArray<string>): number =>
  Number(execFileSync(process.execPath, [...options, "--eval", program], { encoding: "utf8" }))

describe("smallHeap", () => {
  it("keeps the young generation from growing", () => {
    const smallHeap = new URL("../src/smallHeap.ts", import.meta.url)
    const [grown, small] = [
      youngGeneration(),
      youngGeneration("--experimental-strip-types", "--import", smallHeap.href),
    ]
    assert.isAbove(grown, 8_000_000)
    assert.isBelow(small, 4_000_000)
  })
})
