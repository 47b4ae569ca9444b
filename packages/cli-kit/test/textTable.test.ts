import { assert, describe, it } from "@effect/vitest"
import { textTable } from "../src/textTable.ts"

const header = ["name", "median", ""]
const rows = [
  ["a", "1 ms", "as expected"],
  ["longer", "100 ms", ""],
]

describe("textTable", () => {
  it("aligns words at the left and figures at the right", () => {
    assert.deepStrictEqual(textTable(header, rows, { words: [0, 2], width: 60 }).split("\n"), [
      "name    median",
      "a         1 ms  as expected",
      "longer  100 ms",
    ])
  })

  it("makes a block of each row where the terminal is too narrow for columns", () => {
    assert.deepStrictEqual(textTable(header, rows, { width: 20 }).split("\n"), [
      "a",
      "  median  1 ms",
      "          as expected",
      "longer",
      "  median  100 ms",
    ])
  })
})
