import { MemoryNetwork } from "@topic-tracker/gossip/testing"
import { Effect } from "effect"

// Links with 50 ms of delay.
const program = Effect.gen(function* () {
  yield* MemoryNetwork.make({ link: () => ({ delayMs: 50 }) })
  console.log("a network") // → a network
})

await Effect.runPromise(Effect.scoped(program))
