/** Runs the example of calls between members as real processes on an embedded testnet. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { startHere, Testnet } from "./Testnet.ts"

// Several processes run at once, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

layer(Testnet.layer, { excludeTestServices: true })("the example of calls", (it) => {
  it.effect("rpc: both call the other, and all, and leave when interrupted", () =>
    Effect.gen(function* () {
      const both = yield* Effect.all([startHere("rpc"), startHere("rpc")])
      for (const one of both) {
        yield* one.prints(/^hello "a friend" at [0-9a-f]{8}…, from \w+ on \w+$/)
        yield* one.prints(/^counted: 1 2 3 4 5$/)
        yield* one.prints(/^refused: limit: 1000; must be at most 100$/)
        yield* one.prints(/^load of [0-9a-f]{8}…: \d+\.\d\d$/)
      }
      for (const { interrupt } of both) yield* interrupt
      for (const one of both) assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
    }),
  )
})
