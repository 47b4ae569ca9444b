/**
 * An example run as its users run it: a process of its own, whose lines are read and that is typed to. It is killed when the
 * scope closes.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Deferred, Effect, Latch } from "effect"

export interface Running {
  /** All lines on standard output so far. */
  readonly lines: ReadonlyArray<string>
  readonly errors: ReadonlyArray<string>
  /** The first line, already there or to come, that matches; a failure tells what was said instead. */
  readonly says: (pattern: RegExp) => Effect.Effect<string, Error>
  readonly type: (line: string) => Effect.Effect<void>
  /** Ends what is typed, as Ctrl-D does. */
  readonly endInput: Effect.Effect<void>
  readonly interrupt: Effect.Effect<void>
  /** The exit code, once it has ended and all it said is in {@link lines}. */
  readonly exitCode: Effect.Effect<number | null, Error>
}

/** So many processes load the same modules: they compile them once. */
const compileCache = fileURLToPath(new URL("../../node_modules/.cache/compile", import.meta.url))

/** Starts `examples/src/<name>.ts`, with `environment` over this process's own. */
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
  const heard = yield* Latch.make()
  const ended = yield* Deferred.make<number | null>()
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line)
    heard.openUnsafe()
  })
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line))
  child.once("close", (code) => {
    Deferred.doneUnsafe(ended, Effect.succeed(code))
    heard.openUnsafe()
  })
  // It may have ended before it reads what is typed.
  child.stdin.on("error", () => {})

  const failure = (what: string) =>
    new Error([`${[name, ...args].join(" ")}: ${what}`, ...lines, ...errors].join("\n  "))
  const within = <A>(waiting: Effect.Effect<A, Error>, forWhat: string) =>
    Effect.timeoutOrElse(waiting, { duration: "45 seconds", orElse: () => Effect.fail(failure(`no ${forWhat}`)) })

  const find = (pattern: RegExp): Effect.Effect<string, Error> =>
    Effect.suspend(() => {
      heard.closeUnsafe()
      const line = lines.find((line) => pattern.test(line))
      if (line !== undefined) return Effect.succeed(line)
      if (Deferred.isDoneUnsafe(ended)) return Effect.fail(failure(`ended without a line like ${pattern}`))
      return Effect.andThen(heard.await, find(pattern))
    })

  return {
    lines,
    errors,
    says: (pattern) => within(find(pattern), `line like ${pattern}`),
    type: (line) => Effect.sync(() => void child.stdin.write(`${line}\n`)),
    endInput: Effect.sync(() => void child.stdin.end()),
    interrupt: Effect.sync(() => void child.kill("SIGINT")),
    exitCode: within(Deferred.await(ended), "end"),
  } satisfies Running as Running
})
