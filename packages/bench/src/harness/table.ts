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

/** For a terminal. */
export const text = (results: ReadonlyArray<Result>): string =>
  textTable(header, results.map(cells), { words: [0, 1, 2, 3] })

/** A Markdown table. */
export const markdown = (results: ReadonlyArray<Result>): string =>
  [header, header.map(() => "---"), ...results.map(cells)].map((row) => `| ${row.join(" | ")} |`).join("\n")
