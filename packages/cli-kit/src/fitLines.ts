/** Help texts on narrow terminals. */
import { stripVTControlCharacters } from "node:util"

const widthOf = (text: string): number => stripVTControlCharacters(text).length

/**
 * The text with every line that is wider than the terminal broken between words. A description that stands beside its option
 * continues below its own beginning, or, where that leaves it less than half of the line, begins below its option.
 */
export const fitLines = (text: string, width = process.stdout.columns ?? Number.POSITIVE_INFINITY): string =>
  text
    .split("\n")
    .flatMap((line) => {
      if (widthOf(line) <= width) return [line]
      const [, option, gap = "", description = ""] = /^( *\S.*?)( {3,})(\S.*)$/.exec(line) ?? []
      if (option === undefined) return wrap("", line.trim(), indentOf(line), width)
      const column = widthOf(option) + gap.length
      if (column * 2 <= width) return wrap(option + gap, description, column, width)
      return [
        ...wrap("", option.trim(), indentOf(option), width),
        ...wrap("", description, indentOf(option) + 4, width),
      ]
    })
    .join("\n")

const indentOf = (line: string): number => line.length - line.trimStart().length

/** Words behind a head that is as wide as the indent of the lines after it, or is the indent itself. */
const wrap = (head: string, text: string, indent: number, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = head === "" ? " ".repeat(indent) : head
  for (const word of text.split(" ")) {
    const isFirst = widthOf(line) <= indent
    if (!isFirst && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line)
      line = " ".repeat(indent) + word
    } else {
      line += isFirst ? word : ` ${word}`
    }
  }
  return [...lines, line]
}
