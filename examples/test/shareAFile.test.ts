/** Runs the example of files as real processes on an embedded testnet. */
import { createHash } from "node:crypto"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { startHere, Testnet } from "./Testnet.ts"

// Several processes run at once, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

const scratch = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "share-a-file-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true })),
)

layer(Testnet.layer, { excludeTestServices: true })("the example of files", (it) => {
  it.effect("share-a-file: what one offers is fetched by the other, and both leave when interrupted", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const bytes = Buffer.concat(
        Array.from({ length: 30_000 }, (_, i) => createHash("sha256").update(`${i}`).digest()),
      )
      const path = join(folder, "tides.bin")
      yield* Effect.promise(() => writeFile(path, bytes))
      const taker = yield* startHere("shareAFile", ["--folder", join(folder)])
      const giver = yield* startHere("shareAFile", ["--offer", path])
      const hash =
        /[0-9a-f]{64}$/.exec(yield* giver.prints(/^offers tides\.bin, 960000 bytes: [0-9a-f]{64}$/))?.[0] ?? ""
      yield* taker.prints(/^found "tides\.bin", 960000 bytes, 0 are here$/)
      yield* taker.prints(/^done: /)
      assert.isTrue(bytes.equals(yield* Effect.promise(() => readFile(join(folder, hash)))))
      for (const each of [taker, giver]) yield* each.interrupt
      for (const each of [taker, giver]) assert.strictEqual(yield* each.exitCode, 0, each.errors.join())
    }),
  )
})
