/** Tables as text for a terminal. */

/** The layout of a table. */
export interface TextTableOptions {
  /** The columns of words, aligned to the left. All other columns hold figures, aligned to the right. Default: the first. */
  readonly words?: ReadonlyArray<number>
  /** The greatest line length, in characters. Default: the width of the terminal; without a terminal no limit. */
  readonly width?: number
}

/**
 * Aligned columns under a header. If a line would be too long, each row becomes a block instead: its first cell, and below it one
 * line for each other cell that is not empty, with the column's title.
 */
export const textTable = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  { width = process.stdout.columns ?? Number.POSITIVE_INFINITY, words = [0] }: TextTableOptions = {},
): string => {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)))
  const align = (cell: string, column: number): string =>
    words.includes(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  const aligned = lines.map((row) => row.map(align).join("  ").trimEnd())
  if (aligned.every((line) => line.length <= width)) return aligned.join("\n")
  const titleWidth = Math.max(...header.slice(1).map((title) => title.length))
  return rows
    .map(([first = "", ...others]) =>
      [
        ...(first === "" ? [] : [first]),
        ...others.flatMap((cell, i) => (cell === "" ? [] : [`  ${(header[i + 1] ?? "").padEnd(titleWidth)}  ${cell}`])),
      ].join("\n"),
    )
    .join("\n")
}
