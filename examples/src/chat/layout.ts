/** How lines fit into a terminal: words stay whole where they can, and what follows the first line is indented. */
import { stripVTControlCharacters } from "node:util"

/** Characters that take two columns: East Asian wide ones and emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
/** Those that take none: accents and joiners. */
const narrow = /^[\p{Mark}\u200b-\u200d]$/u

const widthOf = (character: string): number => (wide.test(character) ? 2 : narrow.test(character) ? 0 : 1)

/** How many columns a text takes; colours take none. */
export const width = (text: string): number =>
  Array.from(stripVTControlCharacters(text)).reduce((sum, character) => sum + widthOf(character), 0)

/**
 * The head and the text after it, in lines of at most so many columns. The lines after the first are indented to where the text
 * began, unless that would leave them less than half.
 */
export const wrap = (head: string, text: string, columns: number): string => {
  const indent = width(head) * 2 <= columns ? width(head) : 2
  const lines: Array<string> = []
  let line = head
  let used = width(head)
  const breakLine = () => {
    lines.push(line.trimEnd())
    line = " ".repeat(indent)
    used = indent
  }
  for (const word of text.split(/(?<= )/)) {
    if (used > indent && used + width(word.trimEnd()) > columns) breakLine()
    for (const character of word) {
      if (used + widthOf(character) > columns) {
        // The space after a word that fills its line is not needed.
        if (character === " ") continue
        breakLine()
      }
      line += character
      used += widthOf(character)
    }
  }
  return [...lines, line.trimEnd()].join("\n")
}

/** As much of the start of a text as fits. */
export const fitStart = (text: string, columns: number): string => {
  let shown = ""
  let used = 0
  for (const character of text) {
    used += widthOf(character)
    if (used > columns) break
    shown += character
  }
  return shown
}

/** As much of the end of a text as fits; an ellipsis stands for what does not. */
export const fitEnd = (text: string, columns: number): string => {
  if (width(text) <= columns) return text
  let shown = ""
  let used = 1
  for (const character of Array.from(text).reverse()) {
    used += widthOf(character)
    if (used > columns) break
    shown = character + shown
  }
  return `…${shown}`
}
