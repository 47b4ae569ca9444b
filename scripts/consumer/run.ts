/** Runs a program in a folder and keeps what it printed. A program that takes too long is ended and counts as failed. */
import { spawn } from "node:child_process"

/** The end of a program. */
export interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string
  readonly out: string
  readonly err: string
}

/** ms after which a program is ended. */
const LIMIT_MS = 240_000

/** Runs the program; never rejects. */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  { folder, env = {}, limitMs = LIMIT_MS }: { folder: string; env?: Record<string, string>; limitMs?: number },
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk) => {
      out += chunk
    })
    child.stderr.on("data", (chunk) => {
      err += chunk
    })
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs)
    const end = (code: number | string, more = ""): void => {
      clearTimeout(timer)
      resolve({ code, out, err: err + more })
    }
    child.once("error", (error) => end("not started", error.message))
    child.once("close", (code, signal) => end(code ?? signal ?? "unknown"))
  })

/** Runs the program and gives its standard output; throws with what it printed if it did not exit with 0. */
export const mustRun = async (
  program: string,
  args: ReadonlyArray<string>,
  options: Parameters<typeof run>[2],
): Promise<string> => {
  const { code, out, err } = await run(program, args, options)
  if (code === 0) return out
  throw new Error(`${program} ${args.join(" ")}: exit ${code}\n${tail(out)}\n${tail(err)}`)
}

/** The last lines of a text, as much as a report has room for. */
export const tail = (text: string, lines = 15): string => text.trimEnd().split("\n").slice(-lines).join("\n")

/** Runs the function for each item, two at the same time, and gives the results in the order of the items. */
export const twoAtOnce = async <A, B>(items: ReadonlyArray<A>, run: (item: A) => Promise<B>): Promise<Array<B>> => {
  const results: Array<B> = []
  const rest = items.entries()
  const work = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await run(item)
  }
  await Promise.all([work(), work()])
  return results
}
