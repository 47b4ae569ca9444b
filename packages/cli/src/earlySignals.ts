/** SIGINT and SIGTERM while a command is still being loaded and has no scope yet that they could close. It imports nothing. */

const signals = ["SIGINT", "SIGTERM"] as const

let onSignal: () => void = () => {}

/** Such a signal is answered with these words, and the process ends with exit code 0. */
export const answerSignals = (say: () => void): void => {
  onSignal = () => {
    say()
    process.exit(0)
  }
  for (const signal of signals) process.on(signal, onSignal)
}

/** From here on the command has a scope, and signals close it. */
export const leaveSignals = (): void => {
  for (const signal of signals) process.off(signal, onSignal)
}
