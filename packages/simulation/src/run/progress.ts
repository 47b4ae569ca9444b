/**
 * Progress of runs on standard error: a bar on a terminal; elsewhere a line with an estimate of the remaining time, now and then.
 * It uses real time, since a person waits for the runs.
 */

/** The bar of shorter runs is not shown. */
const SHOW_AFTER_MS = 2_000
/** The time to the first line, and between two lines, where there is no terminal. */
const LINE_EVERY_MS = 10_000
const BAR_WIDTH = 30

/** `now` is in ms. */
export const makeProgress = (
  stream: Pick<NodeJS.WriteStream, "isTTY"> & { readonly write: (text: string) => unknown } = process.stderr,
  now: () => number = () => performance.now(),
) => {
  const start = now()
  let shown = false
  let lineAt = start + LINE_EVERY_MS
  const bar = (done: number, total: number): void => {
    shown = true
    const filled = Math.round((done / total) * BAR_WIDTH)
    stream.write(`\r${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${Math.floor(done)} of ${total} runs`)
  }
  const line = (done: number, total: number): void => {
    lineAt = now() + LINE_EVERY_MS
    const elapsed = now() - start
    const left = done > 0 ? `, about ${seconds((elapsed / done) * (total - done))} left` : ""
    stream.write(`${Math.floor(done)} of ${total} runs after ${seconds(elapsed)}${left}\n`)
  }
  return {
    /** `done` may have a fraction: runs under way count with their part. */
    update: (done: number, total: number): void => {
      if (stream.isTTY) {
        if (now() - start >= SHOW_AFTER_MS) bar(done, total)
      } else if (now() >= lineAt && done < total) line(done, total)
    },
    clear: (): void => {
      if (shown) stream.write("\r\u001b[K")
    },
  }
}

const seconds = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`
