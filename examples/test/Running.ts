/**
 * Runs an example in a process of its own, as its users do: reads its lines and types lines. The process is killed when the scope
 * closes.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Deferred, Effect, Latch } from "effect"

/** A running example. */
export interface Running {
  /** The lines on standard output so far. */
  readonly lines: ReadonlyArray<string>
  readonly errors: ReadonlyArray<string>
  /** Waits for a line that matches, or returns an earlier one. An error has all lines of the example. */
  readonly prints: (pattern: RegExp) => Effect.Effect<string, Error>
  readonly type: (line: string) => Effect.Effect<void>
  /** Ends the input, like Ctrl-D. */
  readonly endInput: Effect.Effect<void>
  readonly interrupt: Effect.Effect<void>
  /** The exit code. After it, {@link lines} is complete. */
  readonly exitCode: Effect.Effect<number | null, Error>
}

/** All processes load the same modules; the cache lets them compile each once. */
const compileCache = fileURLToPath(new URL("../../node_modules/.cache/compile", import.meta.url))

/** Starts `examples/src/<name>.ts`. `environment` is added to that of this process. */
export const start = Effect.fn("start")(function* (
  name: string,
  args: ReadonlyArray<string> = [],
  environment: Readonly<Record<string, string>> = {},
) {
  const file = fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))
  const child = yield* Effect.acquireRelease(
    Effect.sync(
      (): ChildProcessWithoutNullStreams =>
        spawn(process.execPath, ["--conditions=@topic-tracker/source", file, ...args], {
          env: { ...process.env, NO_COLOR: "1", NODE_COMPILE_CACHE: compileCache, ...environment },
        }),
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )
  const lines: Array<string> = []
  const errors: Array<string> = []
  const changed = yield* Latch.make()
  const ended = yield* Deferred.make<number | null>()
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line)
    changed.openUnsafe()
  })
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line))
  child.once("close", (code) => {
    Deferred.doneUnsafe(ended, Effect.succeed(code))
    changed.openUnsafe()
  })
  // The process may end before it reads the typed lines.
  child.stdin.on("error", () => {})

  const failure = (what: string) =>
    new Error([`${[name, ...args].join(" ")}: ${what}`, ...lines, ...errors].join("\n  "))
  const within = <A>(waiting: Effect.Effect<A, Error>, forWhat: string) =>
    Effect.timeoutOrElse(waiting, { duration: "45 seconds", orElse: () => Effect.fail(failure(`no ${forWhat}`)) })

  const find = (pattern: RegExp): Effect.Effect<string, Error> =>
    Effect.suspend(() => {
      changed.closeUnsafe()
      const line = lines.find((line) => pattern.test(line))
      if (line !== undefined) return Effect.succeed(line)
      if (Deferred.isDoneUnsafe(ended)) return Effect.fail(failure(`ended without a line like ${pattern}`))
      return Effect.andThen(changed.await, find(pattern))
    })

  return {
    lines,
    errors,
    prints: (pattern) => within(find(pattern), `line like ${pattern}`),
    type: (line) => Effect.sync(() => void child.stdin.write(`${line}\n`)),
    endInput: Effect.sync(() => void child.stdin.end()),
    interrupt: Effect.sync(() => void child.kill("SIGINT")),
    exitCode: within(Deferred.await(ended), "end"),
  } satisfies Running as Running
})
