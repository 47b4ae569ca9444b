/** Topics that are joined and left, and the memory that a thousand of them leave behind. */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import * as Programs from "../harness/programs.ts"

const Lives = Schema.Struct({
  rates: Schema.Array(Schema.Finite),
  leftBytesPerTopic: Schema.Finite,
  rssMB: Schema.Finite,
})

export const lifecycle: Benchmark = {
  name: "lifecycle",
  about: "topics joined and left in a second, and the memory that 1,000 leave behind",
  run: Effect.fnUntraced(function* () {
    const [port] = yield* Programs.start(Programs.Ports, Programs.ours("testnets", 1, 0))
    const { rates, leftBytesPerTopic, rssMB } = yield* Programs.run(Lives, Programs.ours("lifecycle", 1000, port))
    return [
      result("lifecycle/join and leave", "1/s", "higher", rates),
      result("lifecycle/heap left of each of 1,000", "B", "lower", [Math.max(0, leftBytesPerTopic)]),
      result("lifecycle/memory after 1,000", "MB", "lower", [rssMB]),
    ]
  }, Effect.scoped),
}
