import { Signal } from "@topic-tracker/common/Signal"
import { Timers } from "@topic-tracker/common/Timers"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const timers = yield* Timers.make
  const ready = new Signal(timers, false)
  timers.schedule(10, () => ready.open())
  yield* ready.await
  console.log(ready.isOpen) // → true
})

await Effect.runPromise(Effect.scoped(program))
