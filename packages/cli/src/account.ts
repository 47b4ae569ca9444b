/** Lines of an account as people read them: when, who, what; the names coloured where the terminal can. */
import { styleText } from "node:util"
import { Clock, Console, Effect } from "effect"

export type Colour = "cyan" | "yellow" | "magenta" | "green" | "blue" | "red" | "dim"

/** A teller whose clock starts now. A name keeps the colour it is first told in. */
export const makeTeller = Effect.fnUntraced(function* () {
  const startedAt = yield* Clock.currentTimeMillis
  const colours = new Map<string, Colour>()
  return {
    tell: Effect.fnUntraced(function* (name: string, colour: Colour | undefined, line: string) {
      if (colour !== undefined && !colours.has(name)) colours.set(name, colour)
      const millis = String((yield* Clock.currentTimeMillis) - startedAt).padStart(5)
      const styled = styleText(colours.get(name) ?? "dim", name.padEnd(7), { stream: process.stdout })
      yield* Console.log(`${millis} ms  ${styled}  ${line}`)
    }),
  }
})

/**
 * A stranger's text in one line: characters that can move a terminal's cursor, or worse, and those that turn the direction of
 * what follows, are written as escapes.
 */
export const harmless = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16)
    return `\\u${code.padStart(4, "0")}`
  })
