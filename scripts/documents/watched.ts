/** Processes of documents that run until Ctrl-C: their output so far and their end. It knows no program and no document. */
import type { ChildProcess } from "node:child_process"

/** ms from Ctrl-C to the end. */
export const END_MS = 10_000
const STEP_MS = 20

/** A process, and what is known of it so far. */
export interface Watched {
  readonly child: ChildProcess
  out: string
  err: string
  /** The exit code or signal, once it has ended, or the reason why it did not start. */
  ended: number | string | undefined
}

export const watch = (child: ChildProcess): Watched => {
  const watched: Watched = { child, out: "", err: "", ended: undefined }
  child.stdout?.on("data", (chunk) => {
    watched.out += chunk
  })
  child.stderr?.on("data", (chunk) => {
    watched.err += chunk
  })
  child.once("close", (code, signal) => {
    watched.ended = code ?? signal ?? "unknown"
  })
  child.once("error", (error) => {
    watched.ended = error.message
  })
  return watched
}

/** Waits until it is done, or for so long. Returns whether it is. */
export const until = async (isDone: () => boolean, limitMs: number): Promise<boolean> => {
  const end = performance.now() + limitMs
  while (!isDone()) {
    if (performance.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  }
  return true
}
