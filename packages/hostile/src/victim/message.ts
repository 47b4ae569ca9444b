/** The text of a message: its author, its number, and the time at which it was sent (ms since 1970). */
import type { Heard } from "./api.ts"

/** Characters of an endpoint id that name an author. */
export const AUTHOR_CHARACTERS = 8

export const formatMessage = (author: string, number: number, at: number, bytes: number): string =>
  `${author} ${number} ${at} `.padEnd(bytes, ".")

/** Undefined for another text, as an attacker may send. */
export const parseMessage = (text: string, now: number): Heard | undefined => {
  const [author, number, at] = text.split(" ")
  if (author === undefined || number === undefined || at === undefined || author.length !== AUTHOR_CHARACTERS)
    return undefined
  return [author, Number(number), now - Number(at)]
}
