/** Results as text for people. */
import { textTable } from "@topic-tracker/cli-kit"
import type { Result } from "./Benchmark.ts"
import { shown } from "./figures.ts"

/** How ours stands to a peer's: above 1 is better for us, whichever way the figure goes. */
export const ratio = ({ better, value }: Pick<Result, "better" | "value">, peer: number): number =>
  better === "higher" ? value / peer : peer / value

const withUnit = (value: number, unit: string): string => (unit === "" ? shown(value) : `${shown(value)} ${unit}`)

const cells = (result: Result): ReadonlyArray<string> => {
  const { name, value, unit, min, max, samples, peers } = result
  const beside = Object.entries(peers).map(
    ([peer, theirs]) => `${peer} ${withUnit(theirs, unit)} (×${shown(ratio(result, theirs))})`,
  )
  return [name, withUnit(value, unit), samples > 1 ? `${shown(min)} to ${shown(max)}` : "", beside.join("; ")]
}

const header = ["benchmark", "median", "min to max", "compared with (× above 1: ours is better)"]

/** For a terminal. */
export const text = (results: ReadonlyArray<Result>): string =>
  textTable(header, results.map(cells), { words: [0, 1, 2, 3] })

/** A Markdown table. */
export const markdown = (results: ReadonlyArray<Result>): string =>
  [header, header.map(() => "---"), ...results.map(cells)].map((row) => `| ${row.join(" | ")} |`).join("\n")
