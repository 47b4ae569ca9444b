/** Results as tables. */
import { textTable } from "@topic-tracker/cli-kit"
import type { Result } from "./Benchmark.ts"
import { formatFigure } from "./figures.ts"

/** The ratio of ours to a peer's. Above 1 ours is better, for both kinds of figures. */
export const ratio = ({ better, value }: Pick<Result, "better" | "value">, peer: number): number =>
  better === "higher" ? value / peer : peer / value

const withUnit = (value: number, unit: string): string =>
  unit === "" ? formatFigure(value) : `${formatFigure(value)} ${unit}`

const cells = (result: Result): ReadonlyArray<string> => {
  const { name, value, unit, min, max, samples, peers } = result
  const compared = Object.entries(peers).map(
    ([peer, theirs]) => `${peer} ${withUnit(theirs, unit)} (×${formatFigure(ratio(result, theirs))})`,
  )
  return [
    name,
    withUnit(value, unit),
    samples > 1 ? `${formatFigure(min)} to ${formatFigure(max)}` : "",
    compared.join("; "),
  ]
}

const header = ["benchmark", "median", "min to max", "compared with (× above 1: ours is better)"]

/** The header and the rows, with a column of goals if there are some. */
const rowsOf = (results: ReadonlyArray<Result>): ReadonlyArray<ReadonlyArray<string>> => {
  const rows = [header, ...results.map(cells)]
  if (results.every(({ goal }) => goal === undefined)) return rows
  return rows.map((row, i) => [...row, i === 0 ? "goal" : goalCell(results[i - 1]!)])
}

const goalCell = ({ better, goal, unit }: Result): string =>
  goal === undefined
    ? ""
    : `at ${better === "higher" ? "least" : "most"} ${withUnit(goal.limit, unit)}: ${goal.holds ? "holds" : "no"}`

/** For a terminal. */
export const text = (results: ReadonlyArray<Result>): string => {
  const [head = [], ...rows] = rowsOf(results)
  return textTable(head, rows, { words: head.map((_, i) => i) })
}

/** A Markdown table. */
export const markdown = (results: ReadonlyArray<Result>): string => {
  const [head = [], ...rows] = rowsOf(results)
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")
}
