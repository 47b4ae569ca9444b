/**
 * SIGINT and SIGTERM, beside closing the scope of the command, which `NodeRuntime.runMain` does: a second signal ends the process at
 * once, and a scope that does not close ends with it after some seconds. A computation without turns of the event loop leaves signals to
 * the system.
 */

const SIGNALS = ["SIGINT", "SIGTERM"] as const

/** After the first signal the scope has this long to close, in ms: each part of a node limits its own close to a second or less. */
const CLOSE_MS = 5_000

/** Ctrl-C under npm comes twice, from the terminal and from npm. A second signal counts after this time, in ms. */
const REPEATED_MS = 500

/** The exit code of a process that a signal ended. */
export const INTERRUPTED = 130

/** Watches for signals until the process ends. `whenInterrupted`: the exit code of a scope that did not close in time. */
export const watchSignals = (whenInterrupted: number): { readonly wasSignalled: () => boolean } => {
  let firstAt: number | undefined
  const onSignal = () => {
    const now = performance.now()
    if (firstAt === undefined) {
      firstAt = now
      // Without a reference: it keeps no process running.
      setTimeout(() => process.exit(whenInterrupted), CLOSE_MS).unref()
    } else if (now - firstAt >= REPEATED_MS) process.exit(INTERRUPTED)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return { wasSignalled: () => firstAt !== undefined }
}

/**
 * Runs a computation that gives the event loop no turn, for seconds or longer: no handler could run meanwhile, so a signal does what it
 * does to a program that has none, and ends the process at once.
 */
export const withSystemSignals = <A>(compute: () => A): A => {
  const kept = SIGNALS.map((signal) => ({ signal, listeners: process.listeners(signal) }))
  for (const signal of SIGNALS) process.removeAllListeners(signal)
  try {
    return compute()
  } finally {
    for (const { listeners, signal } of kept) for (const listener of listeners) process.on(signal, listener)
  }
}
