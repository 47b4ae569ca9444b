/** Programs that tests start, listen to and end. */
import { spawn } from "node:child_process"
import { Effect } from "effect"

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Starts a program in a folder; it is killed when the scope closes. */
export const startProgram = Effect.fnUntraced(function* (
  program: string,
  args: ReadonlyArray<string>,
  folder = process.cwd(),
) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(program, args, { cwd: folder, env: { ...process.env, NO_COLOR: "1" } })),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk) => {
    out += chunk
  })
  child.stderr.on("data", (chunk) => {
    err += chunk
  })
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, out, err })))
  return {
    ended: Effect.promise(() => ended),
    /** Completes once its output holds the text; for ever if it never does. */
    says: (text: string) =>
      Effect.callback<void>((resume) => {
        const look = () => {
          if (out.includes(text)) resume(Effect.void)
        }
        child.stdout.on("data", look)
        look()
        return Effect.sync(() => child.stdout.off("data", look))
      }),
    /** Sends it a signal, and nobody else. */
    signal: (name: NodeJS.Signals) => Effect.sync(() => child.kill(name)),
    stopReading: Effect.sync(() => child.stdout.destroy()),
  }
})
