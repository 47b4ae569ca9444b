/**
 * A bar on standard error for runs of more than two seconds, when that is a terminal. Uses the wall clock: it is about the
 * wait of the person before it.
 */
const showAfterMs = 2_000
const width = 30

export const progressLine = (stream: NodeJS.WriteStream = process.stderr) => {
  const start = performance.now()
  let shown = false
  return {
    update: (done: number, total: number): void => {
      if (!stream.isTTY || performance.now() - start < showAfterMs) return
      shown = true
      const filled = Math.round((done / total) * width)
      stream.write(`\r${"█".repeat(filled)}${"░".repeat(width - filled)} ${Math.floor(done)} of ${total} runs`)
    },
    clear: (): void => {
      if (shown) stream.write("\r\u001b[K")
    },
  }
}
