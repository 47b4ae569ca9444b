/** The objects of iroh's native binding: what is left of them after a scope has closed, and in a worker thread. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Worker } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const source = "--conditions=@topic-tracker/source"
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

describe("iroh's native objects", () => {
  it.live.skipIf(process.platform !== "linux")(
    "leave no UDP socket and no port in use when the scope has closed, whatever the program keeps",
    () =>
      Effect.gen(function* () {
        const run = promisify(execFile)(process.execPath, [source, pathOf("./closedNodes.ts")])
        const { counts, kept } = JSON.parse((yield* Effect.promise(() => run)).stdout)
        assert.strictEqual(kept, 12)
        assert.lengthOf(counts, 3)
        for (const { closed, open } of counts) {
          assert.isAtLeast(open, 4)
          assert.strictEqual(closed, 0)
        }
      }),
    { timeout: 60_000 },
  )

  it.live(
    "are refused in a worker thread with a typed error, because the binding would abort the process",
    () =>
      Effect.gen(function* () {
        const error = yield* Effect.callback<unknown, Error>((resume) => {
          const worker = new Worker(pathOf("./workerNode.ts"), { execArgv: [source] })
          worker.once("message", (message) => resume(Effect.succeed(message)))
          worker.once("error", (failure) => resume(Effect.fail(new Error(String(failure)))))
          return Effect.promise(() => worker.terminate())
        })
        assert.deepInclude(error, { _tag: "GossipError", reason: "Bind" })
        assert.match(String((error as { readonly message: unknown }).message), /worker thread/)
      }),
    { timeout: 60_000 },
  )

  it.live.skipIf(process.platform === "win32")(
    "are not made in a process with too few free descriptors, in which the binding would abort",
    Effect.fnUntraced(function* () {
      for (const left of [3, 15, 16]) {
        const command = [process.execPath, source, pathOf("./crampedNode.ts"), String(left)]
        const run = promisify(execFile)("/bin/sh", ["-c", 'ulimit -n 256 && exec "$@"', "sh", ...command])
        const error = JSON.parse((yield* Effect.promise(() => run)).stdout)
        if (left === 16) assert.isNull(error)
        else assert.match(error.message, /fewer than 16 file descriptors left/)
      }
    }),
    { timeout: 60_000 },
  )
})
