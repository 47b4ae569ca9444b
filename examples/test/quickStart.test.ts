/** The README's quick start is the file in this folder, is short, and runs without changes. */
import { readFile } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { start } from "./Running.ts"

const read = (path: string) => Effect.promise(() => readFile(new URL(path, import.meta.url), "utf8"))

describe("quick start", () => {
  it.effect("is the same in the README and in the file, and has at most 15 lines", () =>
    Effect.gen(function* () {
      const file = yield* read("../src/quickStart.ts")
      const shown = /## Quick start\s+```ts[^\n]*\n([\s\S]*?)```/.exec(yield* read("../../README.md"))
      assert.strictEqual(shown?.[1], file)
      assert.isAtMost(file.trimEnd().split("\n").length, 15)
    }),
  )

  it.live(
    "two processes receive each other's message, and end at Ctrl-C",
    () =>
      Effect.gen(function* () {
        const { addresses } = yield* DhtTestnet.make()
        const environment = { TOPIC_TRACKER_DHT_BOOTSTRAP: `127.0.0.1:${addresses[0]?.port}` }
        const one = yield* start("quickStart", [], environment)
        const two = yield* start("quickStart", [], environment)
        for (const { prints } of [one, two]) yield* prints(/^waiting for the first peer…$/)
        yield* Effect.all([one, two].map(({ prints }) => prints(/^[0-9a-f]{8} says hello$/)))
        for (const { interrupt, exitCode } of [one, two]) {
          yield* interrupt
          assert.strictEqual(yield* exitCode, 130)
        }
      }).pipe(Effect.provide(Crypto.layer())),
    60_000,
  )
})
