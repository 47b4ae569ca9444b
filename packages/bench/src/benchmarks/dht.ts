/** The DHT client alone: lookups and puts of a new client by the share of dead nodes, and gets a second of a running one. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import * as Programs from "../harness/programs.ts"

const Lookup = Schema.Struct({
  first: Schema.Finite,
  firstFromProcessStart: Schema.Finite,
  lookup: Schema.Finite,
  put: Schema.Finite,
  again: Schema.Finite,
})
const Gets = Schema.Array(Schema.Struct({ perSecond: Schema.Finite, cpuMs: Schema.Finite }))

const DEAD_PERCENT = [0, 25, 50]

/** Gets of one sample, for each second that a sample of a rate lasts. */
const GETS_PER_SECOND = 2_000

const figures = [
  ["first", "first item"],
  ["firstFromProcessStart", "first item, from the start of the process"],
  ["lookup", "whole lookup"],
  ["put", "put"],
  ["again", "the same get again"],
] as const

export const dht: Benchmark = {
  name: "dht",
  about: "lookups and puts of a new DHT client by the share of dead nodes, and gets a second of a running one",
  run: Effect.fnUntraced(function* ({ rounds, seconds }) {
    const results: Array<Result> = []
    for (const percent of DEAD_PERCENT) {
      const samples = yield* Effect.gen(function* () {
        const [port] = yield* Programs.start(Programs.Ports, Programs.ours("testnets", 1, percent))
        const measure = Programs.run(Lookup, Programs.ours("dhtLookup", port))
        // The first run stores the item.
        yield* measure
        return yield* Effect.forEach(Array.from({ length: 2 * rounds - 1 }), () => measure)
      }).pipe(Effect.scoped)
      for (const [field, what] of figures) {
        const values = samples.map((sample) => sample[field])
        results.push(result(`dht/${percent} % dead, ${what}`, "ms", "lower", values))
      }
    }
    const gets = yield* Programs.run(
      Schema.Struct({ 1: Gets, 32: Gets }),
      Programs.ours("dhtGets", GETS_PER_SECOND * seconds, rounds),
      "5 minutes",
    )
    for (const concurrency of [1, 32] as const) {
      const name = `dht/${concurrency} ${concurrency === 1 ? "get" : "gets"} at a time`
      const samples = gets[concurrency]
      results.push(
        result(
          `${name}, rate`,
          "1/s",
          "higher",
          samples.map(({ perSecond }) => perSecond),
        ),
        result(
          `${name}, processor time of one`,
          "ms",
          "lower",
          samples.map(({ cpuMs }) => cpuMs),
        ),
      )
    }
    return results
  }),
}
