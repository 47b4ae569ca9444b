import { counter, publishStats } from "@topic-tracker/core/publishStats"
import { Effect, Metric } from "effect"

let heard = 0
const program = Effect.gen(function* () {
  yield* publishStats(
    { heard: counter("my_program_heard", "Messages that this program heard") },
    Effect.sync(() => ({ heard })),
  )
  heard = 3
  console.log((yield* Metric.snapshot).some(({ id }) => id === "my_program_heard")) // → true
})

await Effect.runPromise(Effect.scoped(program))
