import { makeFiberCounter } from "@topic-tracker/common/testing"
import { Effect } from "effect"

const fibers = makeFiberCounter()
const program = Effect.gen(function* () {
  yield* Effect.forkScoped(Effect.never, { startImmediately: true })
  console.log(fibers.alive) // → 1
}).pipe(Effect.scoped, fibers.counted)

await Effect.runPromise(program)
console.log(fibers.alive) // → 0
