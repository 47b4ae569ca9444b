/** Summaries for people. */
import { textTable } from "@topic-tracker/cli-kit"
import type { Spread, Summary } from "./summary.ts"

/** One line a scenario; each figure as mean (min to max). */
export const table = (summaries: ReadonlyArray<Summary>): string => {
  const header = ["scenario", "seeds", "RMR", "LDH", "missed", "duration ms", "wall ms"]
  const rows = summaries.map((each) => [
    each.name,
    String(each.seeds.length),
    spread(each.rmr, 2),
    spread(each.ldh, 1),
    spread(each.missed, 0),
    spread(each.duration_ms, 0),
    each.wall_ms.toFixed(0),
  ])
  return textTable(header, rows)
}

const spread = ({ max, mean, min }: Spread, digits: number): string =>
  `${mean.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`
