/** A large content from one node to many: what its source sends, and how much longer small messages take meanwhile. */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import { quantile } from "../harness/figures.ts"
import * as Programs from "../harness/programs.ts"

const Run = Schema.Struct({ copies: Schema.Finite, seconds: Schema.Finite, pings: Schema.Array(Schema.Finite) })
const Figures = Schema.Struct({ alone: Schema.Array(Schema.Finite), one: Run, all: Run })

export const share: Benchmark = {
  name: "share",
  about: "a content of 100 MB from one node to 20 (quick: 10 MB to 6), and small messages beside it",
  run: Effect.fnUntraced(function* (run) {
    const [megabytes, processes, receivers] = run.seconds < 1 ? [10, 3, 2] : [100, 5, 4]
    const { all, alone, one } = yield* Programs.run(
      Figures,
      Programs.ours("share", megabytes, processes, receivers),
      "20 minutes",
    )
    const count = processes * receivers
    const wait = (name: string, pings: ReadonlyArray<number>) =>
      result(`share/round trip beside it, ${name}, p99`, "ms", "lower", [quantile(pings, 0.99)], {
        alone: quantile(alone, 0.99),
      })
    return [
      result(`share/copies that the source sends, ${count} receivers`, "copies", "lower", [all.copies], {}),
      result(`share/${megabytes} MB at all ${count}`, "s", "lower", [all.seconds], {}),
      result(`share/${megabytes} MB at one`, "MB/s", "higher", [megabytes / one.seconds], {}),
      wait("one receiver", one.pings),
      wait(`${count} receivers`, all.pings),
    ]
  }),
}
