/** Starts programs in tests, reads their output and ends them. */
import { spawn } from "node:child_process"
import { Effect } from "effect"

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface StartOptions {
  /** Default: this process's. */
  readonly folder?: string
  /** Variables in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Standard input, which is closed after it. */
  readonly input?: string
}

/** Starts a program. It is killed when the scope closes. */
export const startProgram = Effect.fnUntraced(function* (
  program: string,
  args: ReadonlyArray<string>,
  { env = {}, folder = process.cwd(), input }: StartOptions = {},
) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(program, args, { cwd: folder, env: { ...process.env, NO_COLOR: "1", ...env } })),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )
  if (input !== undefined) child.stdin.end(input)
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk) => {
    out += chunk
  })
  child.stderr.on("data", (chunk) => {
    err += chunk
  })
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, out, err })))
  const outputMatches = (matches: (output: string) => boolean) =>
    Effect.callback<void>((resume) => {
      const check = () => {
        if (matches(out)) resume(Effect.void)
      }
      child.stdout.on("data", check)
      check()
      return Effect.sync(() => child.stdout.off("data", check))
    })
  return {
    ended: Effect.promise(() => ended),
    outSoFar: Effect.sync(() => out),
    /** Completes when its output contains the text; waits for ever if it never does. */
    prints: (text: string) => outputMatches((output) => output.includes(text)),
    /** The same for a pattern. */
    printsMatch: (pattern: RegExp) => outputMatches((output) => pattern.test(output)),
    /** Sends a signal to this process only. */
    signal: (name: NodeJS.Signals) => Effect.sync(() => child.kill(name)),
    stopReading: Effect.sync(() => child.stdout.destroy()),
  }
})
