/** The table of what ran where, in a document between two markers. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type { Layout } from "./layout.ts"

export interface Row {
  readonly layout: Layout
  readonly name: string
  readonly does: string
  /** The reason of its failure, or undefined. */
  readonly problem: string | undefined
}

const START = "<!-- platforms:start -->"
const END = "<!-- platforms:end -->"

/** One line for each case, one column for each layout. */
export const tableOf = (rows: ReadonlyArray<Row>): string => {
  const outcome = (name: string, does: string, layout: Layout): string => {
    const row = rows.find((each) => each.name === name && each.does === does && each.layout === layout)
    return row === undefined ? "" : row.problem === undefined ? "yes" : "no"
  }
  const cases = new Map(rows.map(({ does, name }) => [`${name} ${does}`, { name, does }]))
  const lines = [...cases.values()].map(
    ({ does, name }) => `| ${name} | ${does} | ${outcome(name, does, "flat")} | ${outcome(name, does, "linked")} |`,
  )
  return ["| With | Tried | Flat | Linked |", "| --- | --- | --- | --- |", ...lines].join("\n")
}

/** Puts the table between the document's markers. Throws if they are missing. */
export const writeTable = (path: string, table: string): void => {
  const text = existsSync(path) ? readFileSync(path, "utf8") : ""
  const [start, end] = [text.indexOf(START), text.indexOf(END)]
  if (start < 0 || end < start) throw new Error(`${path}: the markers ${START} and ${END} are missing`)
  writeFileSync(path, `${text.slice(0, start + START.length)}\n\n${table}\n\n${text.slice(end)}`)
}
