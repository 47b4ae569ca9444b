/** Tests which nodes a lookup in the simulated network asks, and when. */
import { assert, describe, it } from "@effect/vitest"
import { NEAREST_PAUSE_MS } from "../src/lookup/Lookup.ts"
import { LONGEST_LOOKUP_MS, planLookup } from "../src/testing/memory/planLookup.ts"

/** A lookup over six nodes with round trips of 100 ms that waits 300 ms; `lost` returns whether a query, by number, gets no answer. */
const plan = (wanted: number, first: number, lost: (query: number) => boolean, lostDelay = 300) => {
  let query = 0
  const nodes = [10, 11, 12, 13, 14, 15]
  return planLookup({ nodes, wanted, first, start: 50, isLost: () => lost(query++), roundTrip: () => 100, lostDelay })
}

const never = () => false

describe("the plan of a lookup", () => {
  it("asks the nearest nodes first, the others after a pause", () => {
    const { answeredBy, end, questions } = plan(4, 2, never)
    const later = 150 + NEAREST_PAUSE_MS
    assert.deepStrictEqual(
      questions.map(({ node, sentAt }) => [node, sentAt]),
      [
        [10, 50],
        [11, 50],
        [12, later],
        [13, later],
      ],
    )
    assert.deepStrictEqual(answeredBy, [150, 150, later + 100, later + 100])
    assert.strictEqual(end, later + 100)
  })

  it("asks the next node in place of one that does not answer, after the wait", () => {
    const { answeredBy, end, questions } = plan(2, 2, (query) => query === 0)
    assert.deepStrictEqual(questions, [
      { node: 10, sentAt: 50, answeredAt: undefined },
      { node: 11, sentAt: 50, answeredAt: 150 },
      { node: 12, sentAt: 350, answeredAt: 450 },
    ])
    assert.deepStrictEqual([answeredBy, end], [[150, 450], 450])
  })

  it("goes on to nodes that hold nothing if no known node is left", () => {
    const { answeredBy, end, questions } = plan(6, 6, (query) => query === 5)
    assert.lengthOf(questions, 6)
    assert.deepStrictEqual([answeredBy.length, end], [5, 450])
  })

  it("asks no other node without a time to wait", () => {
    assert.deepStrictEqual(
      plan(2, 2, () => true, 0),
      {
        questions: [
          { node: 10, sentAt: 50, answeredAt: undefined },
          { node: 11, sentAt: 50, answeredAt: undefined },
        ],
        answeredBy: [],
        end: 50,
      },
    )
  })

  it("ends if no node ever answers", () => {
    const { answeredBy, end } = plan(4, 2, () => true)
    assert.deepStrictEqual([answeredBy, end], [[], LONGEST_LOOKUP_MS])
  })
})
