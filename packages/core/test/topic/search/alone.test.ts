import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { aloneSummary } from "../../../src/topic/search/aloneSummary.ts"
import { makeWorld, pass, quiet } from "../world.ts"

/** Runs the effect; gives the log lines about being alone. */
const linesOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    const text = String(message)
    if (text.startsWith("no peer after")) lines.push(`${logLevel} ${text}`)
  })
  return Effect.as(Effect.provide(effect, Logger.layer([logger])), lines)
}

describe("a topic that finds no peer", () => {
  it.effect("logs its attempts and a page to read once, after 20 s", () =>
    Effect.gen(function* () {
      const lines = yield* linesOf(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          yield* (yield* world.node(quiet)).join()
          yield* pass("19 seconds")
          yield* pass("5 minutes")
        }),
      )
      assert.lengthOf(lines, 1)
      assert.match(
        lines[0]!,
        /^Info no peer after 20 s: \d+ lookups, \d+ items read, 1 records published, 0 dials, \d+ DHT nodes known\. No other node was found: .* See docs\/when-nobody-is-found\.md$/,
      )
    }),
  )

  it.effect("logs nothing if a neighbour comes before", () =>
    Effect.gen(function* () {
      const lines = yield* linesOf(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          const [one, other] = yield* world.nodes(2, quiet)
          yield* one!.join()
          yield* pass("10 seconds")
          yield* other!.join()
          yield* pass("2 minutes")
        }),
      )
      assert.deepStrictEqual(lines, [])
    }),
  )

  it("names the most likely reason", () => {
    const figures = { dhtNodes: 40, lookups: 9, items: 2, unopened: 0, recordsPublished: 1, dials: 0 }
    assert.match(aloneSummary({ ...figures, dhtNodes: 0 }), /UDP or DNS may be blocked/)
    assert.match(aloneSummary({ ...figures, dials: 3 }), /none could be reached: a NAT or a firewall/)
    assert.match(aloneSummary({ ...figures, unopened: 2 }), /No record opens: its node has another secret/)
    assert.match(aloneSummary({ ...figures, recordsPublished: 0 }), /Nothing could be published/)
    assert.match(aloneSummary(figures), /none runs under this name, or its clock/)
  })
})
