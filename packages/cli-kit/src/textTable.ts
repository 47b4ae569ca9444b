/** Rows as text for a terminal. */

/** How a table is laid out. */
export interface TextTableOptions {
  /** Columns of words, which begin at the left; all others hold figures and end at the right. Default: the first. */
  readonly words?: ReadonlyArray<number>
  /** Characters in a line of the terminal. Default: standard output's when it is a terminal, else any number. */
  readonly width?: number
}

/**
 * Aligned columns under a header. Where they are wider than the terminal, each row becomes a block instead: its first cell,
 * and below it every other that is not empty beside its title.
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
