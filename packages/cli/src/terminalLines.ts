/** Lines for a person at a terminal: time, a name (coloured if the terminal has colours), and what happened. */
import { styleText } from "node:util"
import { Cause, Clock, Console, Effect, Logger } from "effect"

export type Colour = "cyan" | "yellow" | "magenta" | "green" | "blue" | "red" | "dim"

const NAME_WIDTH = 7

export interface LinePrinter {
  /** Prints one line. A name keeps the first colour that it is given. */
  readonly printLine: (name: string, colour: Colour | undefined, text: string) => Effect.Effect<void>
  /** Prints the text as it is. Lines that follow are dropped. */
  readonly printLast: (text: string) => Effect.Effect<void>
  /** Prints log lines in the same form, on standard error. */
  readonly logger: Logger.Logger<unknown, void>
}

/** A printer whose clock starts now. */
export const makeLinePrinter = Effect.fnUntraced(function* () {
  const startedAt = yield* Clock.currentTimeMillis
  const colours = new Map<string, Colour>()
  let isOver = false
  const lineOf = (millis: number, name: string, style: Colour, text: string, stream: NodeJS.WriteStream) =>
    `${String(millis).padStart(5)} ms  ${styleText(style, name.padEnd(NAME_WIDTH), { stream })}  ${text}`
  const printer: LinePrinter = {
    printLine: Effect.fnUntraced(function* (name, colour, text) {
      if (isOver) return
      if (colour !== undefined && !colours.has(name)) colours.set(name, colour)
      const millis = (yield* Clock.currentTimeMillis) - startedAt
      yield* Console.log(lineOf(millis, name, colours.get(name) ?? "dim", text, process.stdout))
    }),
    printLast: (text) =>
      Effect.suspend(() => {
        isOver = true
        return Console.log(text)
      }),
    logger: Logger.make(({ cause, date, logLevel, message }) => {
      const why = cause.reasons.length === 0 ? "" : `: ${Cause.pretty(cause)}`
      const text = `${[message].flat().join(" ")}${why}`
      const name = logLevel.toLowerCase()
      const style = ["warn", "error", "fatal"].includes(name) ? "red" : "dim"
      console.error(lineOf(date.getTime() - startedAt, name, style, text, process.stderr))
    }),
  }
  return printer
})

/** The first 8 characters of an id: enough to distinguish nodes. */
export const shortId = (id: string): string => `${id.slice(0, 8)}…`

/**
 * A remote text as one safe line. Control characters, which could move the terminal's cursor or worse, and characters that change
 * the direction of text are written as escapes.
 */
export const escapeControlCharacters = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16)
    return `\\u${code.padStart(4, "0")}`
  })
