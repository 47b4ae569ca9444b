/**
 * How far a file is, for a person: one line that is drawn again on standard error of a terminal, as wide as that is, and otherwise a line for each tenth. Plain
 * text, so NO_COLOR changes nothing.
 */

/** The parts of the line. */
export interface FileProgress {
  readonly done: number
  readonly size: number
  readonly bytesPerSecond: number
  /** The members that it comes from. */
  readonly members: number
}

const UNITS = ["B", "kB", "MB", "GB", "TB"]

/** `1.2 MB`: three digits at most before the unit. */
export const showBytes = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}

const showSeconds = (seconds: number): string => {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  if (seconds < 3_600) return `${Math.ceil(seconds / 60)} min`
  return `${Math.round(seconds / 3_600)} h`
}

/** The bar has at least so many characters, or there is none. */
const LEAST_BAR = 10
const MOST_BAR = 40

/** The line, shorter than the terminal so that the cursor stays in it. */
export const progressLine = ({ bytesPerSecond, done, members, size }: FileProgress, columns: number): string => {
  const share = size === 0 ? 1 : done / size
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  const rate = `${showBytes(bytesPerSecond)}/s`
  const left = bytesPerSecond > 0 && done < size ? `, ${showSeconds((size - done) / bytesPerSecond)}` : ""
  const from = `, ${members} ${members === 1 ? "member" : "members"}`
  const amount = `${showBytes(done)} of ${showBytes(size)}`
  // A narrow terminal has no place for all: the least important part is left out first.
  const texts = [
    `${percent}  ${amount}, ${rate}${left}${from}`,
    `${percent}  ${amount}, ${rate}`,
    `${percent}  ${rate}`,
    percent,
  ]
  const room = columns - 1
  const text = texts.find((each) => each.length <= room) ?? percent.slice(0, Math.max(0, room))
  const bar = Math.min(MOST_BAR, room - text.length - 3)
  if (bar < LEAST_BAR) return text
  const filled = Math.floor(share * bar)
  return `[${"#".repeat(filled)}${"-".repeat(bar - filled)}] ${text}`
}

/** Draws on standard error. Without a terminal it prints a line for each tenth. */
export class ProgressWriter {
  readonly #stream: NodeJS.WriteStream
  #tenth = -1
  #isDrawn = false

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
  }

  draw(progress: FileProgress): void {
    if (this.#stream.isTTY) {
      this.#stream.write(`\r${progressLine(progress, this.#stream.columns || 80)}\u001b[K`)
      this.#isDrawn = true
      return
    }
    const tenth = progress.size === 0 ? 10 : Math.floor((progress.done * 10) / progress.size)
    if (tenth <= this.#tenth) return
    this.#tenth = tenth
    this.#stream.write(
      `${progressLine(progress, 60)
        .replace(/^\[.*?\] /, "")
        .trim()}\n`,
    )
  }

  /** Ends the line, so that what follows has one of its own. */
  end(): void {
    if (this.#isDrawn) this.#stream.write("\n")
    this.#isDrawn = false
  }
}
