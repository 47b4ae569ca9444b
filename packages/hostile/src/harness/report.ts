/** The outcome of the attacks as JSON and as a table of at most 60 columns. */
import { textTable } from "@topic-tracker/cli-kit"
import { type Figure, holds } from "./Attack.ts"

/** A figure with the name of its attack. `failure`: why it was not measured. */
export interface Outcome {
  readonly attack: string
  readonly figure: Figure
  readonly failure?: string
}

/** One element of `--json`. `value` is null if it was not measured; then `holds` is false. */
export interface OutcomeJson {
  readonly name: string
  readonly value: number | null
  readonly unit: string
  readonly limit: number
  readonly holds: boolean
  readonly failure?: string
}

export const toJson = ({ attack, failure, figure }: Outcome): OutcomeJson => ({
  name: figure.what === "" ? attack : `${attack}: ${figure.what}`,
  value: figure.value === undefined ? null : Math.round(figure.value * 100) / 100,
  unit: figure.unit,
  limit: figure.limit,
  holds: holds(figure),
  ...(failure === undefined ? {} : { failure }),
})

const WIDTH = 60

const amount = (value: number, unit: string): string => {
  const rounded = value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toFixed(1)
  return `${Number.isFinite(value) ? rounded : "∞"} ${unit}`.trimEnd()
}

/** Columns: attack, figure, limit with the unit, whether it holds. The name of an attack stands on its first line only. */
export const table = (outcomes: ReadonlyArray<Outcome>): string =>
  textTable(
    ["attack", "", "figure", "limit", "ok"],
    outcomes.map(({ attack, failure, figure }, i) => [
      outcomes[i - 1]?.attack === attack ? "" : attack,
      figure.what,
      figure.value === undefined ? (failure === SKIPPED ? "skipped" : "failed") : amount(figure.value, ""),
      `${figure.bound === "at most" ? "≤" : "≥"} ${amount(figure.limit, figure.unit)}`,
      holds(figure) ? "yes" : "NO",
    ]),
    { words: [0, 1], width: WIDTH },
  )

/** The machine cannot run the attack. It does not count as held. */
export const SKIPPED = "it needs a network namespace, and none can be made here"
