/** The figures of the simulation and of real packets side by side, as a table for people. */
import { textTable } from "@topic-tracker/cli-kit"
import type { Agreement, Spread } from "../sockets/agreement.ts"

interface Row {
  readonly name: string
  readonly figures: ReadonlyArray<Agreement>
}

/** One line for each figure: median (min to max) over the seeds. */
export const agreementTable = (summaries: ReadonlyArray<Row>): string => {
  const header = ["scenario", "figure", "simulated", "real", "may differ by", ""]
  const rows = summaries.flatMap(({ figures, name }) =>
    figures.map((each, i) => [
      i === 0 ? name : "",
      each.figure,
      spread(each.simulated, each.unit),
      spread(each.real, each.unit),
      `${rounded(each.tolerance)} ${each.unit}`,
      each.agrees ? "" : "DIFFERS",
    ]),
  )
  return textTable(header, rows, { words: [0, 1, 5] })
}

const spread = ({ max, median, min, never }: Spread, unit: string): string => {
  if (Number.isNaN(median)) return "never"
  const text = min === max ? rounded(median) : `${rounded(median)} (${rounded(min)} to ${rounded(max)})`
  return `${text} ${unit}${never === 0 ? "" : `, ${never} never`}`
}

const rounded = (value: number): string => (Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(1))
