/**
 * Every TypeScript block of every document is compiled, and run: on a DHT of its own on loopback, until it has printed what the
 * document says or has ended. Blocks that are tests run in vitest beside this file. Nothing here leaves the machine.
 */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { run } from "../../consumer/run.ts"
import { folder, programs } from "../programs.ts"
import { runProgram } from "../runProgram.ts"

const root = join(import.meta.dirname, "../../..")

describe("TypeScript blocks of documents", () => {
  it("compile", async () => {
    assert.isAbove(programs.length, 15)
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    const { code, err, out } = await run(process.execPath, [tsc, "-p", join(folder, "tsconfig.json")], { folder: root })
    assert.strictEqual(code, 0, out + err)
  }, 120_000)

  it.live.each(programs.filter(({ isTest }) => !isTest))("$where runs", ({ args, file, nodes, prints }) =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make()
      const env = {
        TOPIC_TRACKER_DHT_BOOTSTRAP: `127.0.0.1:${addresses[0]?.port}`,
        TOPIC_TRACKER_SECRET: "a secret of 32 bytes, for a test",
      }
      yield* Effect.promise(() => runProgram(file, { args, nodes, prints, env }))
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
