import { Timers } from "@topic-tracker/common/Timers"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const timers = yield* Timers.make
  timers.schedule(10, () => console.log("after 10 ms"))
  timers.cancel(timers.schedule(10, () => console.log("never")))
  console.log(timers.size) // → 1
  yield* Effect.sleep(50) // → after 10 ms
})

await Effect.runPromise(Effect.scoped(program))
