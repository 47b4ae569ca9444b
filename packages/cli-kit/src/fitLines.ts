/** Breaks the lines of help texts for narrow terminals. */
import { stripVTControlCharacters } from "node:util"

const widthOf = (text: string): number => stripVTControlCharacters(text).length

/**
 * The text with long lines broken between words. The description of an option continues in its own column; if that column is
 * narrower than half of the line, the description starts on the line below the option.
 */
export const fitLines = (text: string, width = process.stdout.columns ?? Number.POSITIVE_INFINITY): string =>
  text
    .split("\n")
    // The formatter of effect 4.1.0 forgets the empty line after the subcommands.
    .flatMap((line, index, all) => (isHeading(line) && index > 0 && all[index - 1] !== "" ? ["", line] : [line]))
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

/** Such as "GLOBAL FLAGS". */
const isHeading = (line: string): boolean => /^[A-Z]{4,}( [A-Z]{4,})*$/.test(stripVTControlCharacters(line))

const indentOf = (line: string): number => line.length - line.trimStart().length

/** Breaks `text` into lines. The first line starts with `head` (or the indent if it is empty), the others with the indent. */
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
