/** Fits text into the columns of a terminal: breaks lines between words if possible, and indents the lines after the first. */
import { stripVTControlCharacters } from "node:util"

/** Characters with two columns: East Asian wide characters and emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
/** Characters without a column: accents and joiners. */
const zeroWidth = /^[\p{Mark}\u200b-\u200d]$/u

const widthOf = (character: string): number => (wide.test(character) ? 2 : zeroWidth.test(character) ? 0 : 1)

/** The number of columns of a text. Colours take none. */
export const width = (text: string): number =>
  Array.from(stripVTControlCharacters(text)).reduce((sum, character) => sum + widthOf(character), 0)

/**
 * The head and the text after it, in lines with at most this number of columns. Lines after the first are indented to the start of
 * the text, unless that leaves them less than half of the columns.
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
        // The space after a word that fills its line is dropped.
        if (character === " ") continue
        breakLine()
      }
      line += character
      used += widthOf(character)
    }
  }
  return [...lines, line.trimEnd()].join("\n")
}

/** The longest start of a text that fits. */
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

/** The longest end of a text that fits, after an ellipsis if the text is cut. */
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
