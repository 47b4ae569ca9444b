/** Lines for a person at a terminal: time, a name (coloured if the terminal has colours), and what happened. */
import { styleText } from "node:util"
import { Clock, Console, Effect } from "effect"

export type Colour = "cyan" | "yellow" | "magenta" | "green" | "blue" | "red" | "dim"

const NAME_WIDTH = 7

export interface LinePrinter {
  /** Prints one line. A name keeps the first colour that it is given. */
  readonly printLine: (name: string, colour: Colour | undefined, text: string) => Effect.Effect<void>
  /** Prints the text as it is. Lines that follow are dropped. */
  readonly printLast: (text: string) => Effect.Effect<void>
}

/** A printer whose clock starts now. */
export const makeLinePrinter = Effect.fnUntraced(function* () {
  const startedAt = yield* Clock.currentTimeMillis
  const colours = new Map<string, Colour>()
  let isOver = false
  const printer: LinePrinter = {
    printLine: Effect.fnUntraced(function* (name, colour, text) {
      if (isOver) return
      if (colour !== undefined && !colours.has(name)) colours.set(name, colour)
      const millis = String((yield* Clock.currentTimeMillis) - startedAt).padStart(5)
      const styled = styleText(colours.get(name) ?? "dim", name.padEnd(NAME_WIDTH), { stream: process.stdout })
      yield* Console.log(`${millis} ms  ${styled}  ${text}`)
    }),
    printLast: (text) =>
      Effect.suspend(() => {
        isOver = true
        return Console.log(text)
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
