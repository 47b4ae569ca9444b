/** The end of commands: by signals while a scope does not close or a computation runs, and with output that nobody has read yet. */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const program = fileURLToPath(new URL("signalled.ts", import.meta.url))

/** Starts the program, waits for its line, and gives a promise of how it ended. */
const start = (what: "stuck" | "computing") =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, ["--conditions=@topic-tracker/source", program, what])),
      (child) => Effect.sync(() => child.kill("SIGKILL")),
    )
    const ended = new Promise<unknown>((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)))
    yield* Effect.promise(() => new Promise<void>((resolve) => child.stdout.once("data", () => resolve())))
    return { interrupt: Effect.sync(() => child.kill("SIGINT")), ended: Effect.promise(() => ended) }
  })

describe.skipIf(process.platform === "win32").concurrent("a signal", { timeout: 60_000 }, () => {
  it.live("ends a command whose scope does not close after some seconds", () =>
    Effect.gen(function* () {
      const { ended, interrupt } = yield* start("stuck")
      yield* interrupt
      assert.strictEqual(yield* ended, 0)
    }),
  )

  it.live("that comes again ends it at once; what npm passes on of the first one does not", () =>
    Effect.gen(function* () {
      const { ended, interrupt } = yield* start("stuck")
      yield* interrupt
      yield* interrupt
      const again = Effect.forever(Effect.andThen(Effect.sleep("1 second"), interrupt))
      assert.strictEqual(yield* Effect.raceFirst(ended, again), 130)
    }),
  )

  it.live("ends a computation without a turn of the event loop", () =>
    Effect.gen(function* () {
      const { ended, interrupt } = yield* start("computing")
      yield* interrupt
      assert.strictEqual(yield* ended, "SIGINT")
    }),
  )
})

it.live(
  "a command that fails ends when all of its output is read",
  () =>
    Effect.gen(function* () {
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, ["--conditions=@topic-tracker/source", program, "failing"])),
        (child) => Effect.sync(() => child.kill("SIGKILL")),
      )
      const ended = new Promise<unknown>((resolve) => child.once("close", resolve))
      // Its error message is written last: by then it waits for its reader.
      yield* Effect.promise(() => new Promise((resolve) => child.stderr.once("data", resolve)))
      yield* Effect.sleep("500 millis")
      let bytes = 0
      child.stdout.on("data", (chunk: Uint8Array) => {
        bytes += chunk.length
      })
      assert.strictEqual(yield* Effect.promise(() => ended), 1)
      assert.strictEqual(bytes, 1_000_000)
    }),
  60_000,
)
