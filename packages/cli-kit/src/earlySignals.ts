/**
 * Handles SIGINT and SIGTERM while a command is still being loaded and has no scope yet that the signals could close. It imports
 * nothing, so that a program can install the handler before everything else.
 */

const SIGNALS = ["SIGINT", "SIGTERM"] as const

let handler: (() => void) | undefined

/** Until {@link releaseSignals}: a signal calls `onSignal`, and the process ends with exit code 0. */
export const catchEarlySignals = (onSignal: () => void): void => {
  handler = () => {
    onSignal()
    process.exit(0)
  }
  for (const signal of SIGNALS) process.on(signal, handler)
}

/** From here on the command has a scope, and signals close it. */
export const releaseSignals = (): void => {
  if (handler !== undefined) for (const signal of SIGNALS) process.off(signal, handler)
  handler = undefined
}
