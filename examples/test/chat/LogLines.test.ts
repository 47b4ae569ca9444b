import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { LogLines } from "../../src/chat/LogLines.ts"

describe("LogLines", () => {
  it.effect("gives log lines to the screen, in their order", () =>
    Effect.gen(function* () {
      const logLines = yield* LogLines.make
      const printed: Array<string> = []
      yield* Effect.gen(function* () {
        yield* logLines.printWith((text) => Effect.sync(() => void printed.push(text)))
        yield* Effect.logWarning("the secret opens", "nothing")
        yield* Effect.logInfo("still alone")
        yield* Effect.repeat(Effect.yieldNow, { times: 10 })
      }).pipe(Effect.scoped, Effect.provide(logLines.layer))
      assert.deepStrictEqual(printed, ["the secret opens nothing", "still alone"])
    }),
  )
})
