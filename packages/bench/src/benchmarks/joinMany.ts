/** The time that two processes need to join the same topics at the same time. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import * as Programs from "../harness/programs.ts"

const Joined = Schema.Struct({ half: Schema.Finite, all: Schema.Finite })

export const joinMany: Benchmark = {
  name: "join-many",
  about: "two processes that open the same 1, 10, 100 and 500 topics at once: the time until half and all are joined",
  run: Effect.fnUntraced(function* ({ rounds, topics }) {
    const results: Array<Result> = []
    for (const count of topics) {
      const samples: Array<typeof Joined.Type> = []
      for (let i = 0; i < Math.min(rounds, 3); i++) {
        const both = yield* Effect.gen(function* () {
          const [port] = yield* Programs.start(Programs.Ports, Programs.ours("testnets", 1, 0))
          const words = Programs.ours("joinMany", count, port)
          return yield* Effect.all([Programs.run(Joined, words), Programs.run(Joined, words)], { concurrency: 2 })
        }).pipe(Effect.scoped)
        samples.push(both[0])
      }
      const of = (field: keyof typeof Joined.Type) => samples.map((sample) => sample[field])
      results.push(
        result(`join-many/${count} topics, half`, "ms", "lower", of("half")),
        result(`join-many/${count} topics, all`, "ms", "lower", of("all")),
      )
    }
    return results
  }),
}
