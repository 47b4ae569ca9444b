/**
 * The state of an input line: the text on both sides of the cursor, and the earlier lines, which Up and Down recall. A key gives a
 * new state; nothing here writes to a terminal.
 */
import { Option, type Terminal } from "effect"
import { fitEnd, fitStart, width } from "./layout.ts"

/** An input line. */
export interface LineEditor {
  readonly before: string
  readonly after: string
  /** The earlier lines, the oldest first. */
  readonly past: ReadonlyArray<string>
  /** The index of the displayed line in `past`; `past.length` for the new line. */
  readonly recalled: number
}

/** The first state. */
export const empty: LineEditor = { before: "", after: "", past: [], recalled: 0 }

const PAST_LINES = 100

/** One visible character can be several code points: an emoji of a family, a letter with an accent. */
const segmenter = new Intl.Segmenter()
const characters = (text: string): ReadonlyArray<string> =>
  Array.from(segmenter.segment(text), ({ segment }) => segment)

/** The state after a key. Unknown keys have no effect. */
export const press = (line: LineEditor, { input, key }: Terminal.UserInput): LineEditor => {
  const { before, after } = line
  const left = characters(before).at(-1) ?? ""
  const right = characters(after)[0] ?? ""
  const withoutLeft = before.slice(0, before.length - left.length)
  switch (key.ctrl ? `ctrl-${key.name}` : key.name) {
    case "backspace":
    case "ctrl-h":
      return { ...line, before: withoutLeft }
    case "delete":
    case "ctrl-d":
      return { ...line, after: after.slice(right.length) }
    case "left":
      return { ...line, before: withoutLeft, after: left + after }
    case "right":
      return { ...line, before: before + right, after: after.slice(right.length) }
    case "home":
    case "ctrl-a":
      return { ...line, before: "", after: before + after }
    case "end":
    case "ctrl-e":
      return { ...line, before: before + after, after: "" }
    case "ctrl-u":
      return { ...line, before: "" }
    case "ctrl-w":
      return { ...line, before: before.replace(/\S*\s*$/, "") }
    case "up":
      return recall(line, line.recalled - 1)
    case "down":
      return recall(line, line.recalled + 1)
    default: {
      const typed = Option.getOrElse(input, () => "")
      const isText = !key.ctrl && !key.meta && /^\P{Cc}+$/u.test(typed)
      return isText ? { ...line, before: before + typed } : line
    }
  }
}

const recall = (line: LineEditor, index: number): LineEditor =>
  index < 0 || index > line.past.length ? line : { ...line, before: line.past[index] ?? "", after: "", recalled: index }

/** The whole line. */
export const text = ({ before, after }: LineEditor): string => before + after

/** The state for the next line, after Enter. */
export const entered = (line: LineEditor): LineEditor => {
  const past = text(line).trim() === "" ? line.past : [...line.past, text(line)].slice(-PAST_LINES)
  return { before: "", after: "", past, recalled: past.length }
}

/** The part around the cursor that fits into the columns, and the column of the cursor. It never needs a second row. */
export const view = (
  { before, after }: LineEditor,
  columns: number,
): { readonly shown: string; readonly cursor: number } => {
  const left = fitEnd(before, columns - 1)
  const cursor = width(left)
  return { shown: left + fitStart(after, columns - 1 - cursor), cursor }
}
