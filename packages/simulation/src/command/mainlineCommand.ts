/** The part of `sim` that measures lookups, puts and joins on a mainline DHT. */
import { textTable, withSystemSignals } from "@topic-tracker/cli-kit"
import { Console, Effect, Option } from "effect"
import { JOIN_FIGURES } from "../mainline/joins.ts"
import { measureMainline } from "../mainline/measure.ts"
import type { Quantiles, Samples } from "../mainline/Samples.ts"
import { WALK_FIGURES } from "../mainline/walks.ts"
import { makeProgress } from "../run/progress.ts"
import { type MainlinePreset, mainlinePreset } from "../scenario/DhtSettings.ts"

export interface MainlineCommandOptions {
  readonly preset: MainlinePreset
  /** Of each figure. */
  readonly samples: number
  readonly seed: Option.Option<string>
  readonly json: boolean
}

/** Two runs, so that the figures show how much they vary. */
const SEEDS = [1n, 2n]

/** Figures that are shares of the samples. */
const SHARES: ReadonlySet<string> = new Set([
  WALK_FIGURES.coldPutFailed,
  WALK_FIGURES.warmPutFailed,
  JOIN_FIGURES.never,
])

export const runMainlineCommand = Effect.fnUntraced(function* ({
  json,
  preset,
  samples,
  seed,
}: MainlineCommandOptions) {
  const seeds = Option.match(seed, { onNone: () => SEEDS, onSome: (one) => [BigInt(one)] })
  const progress = makeProgress()
  const runs = seeds.map((each, i) => {
    const onProgress = (part: number) => progress.update(i + part, seeds.length)
    return withSystemSignals(() =>
      measureMainline({ count: samples, seed: each, settings: mainlinePreset(preset), onProgress }),
    )
  })
  progress.clear()
  const figures = [...Object.values(WALK_FIGURES), ...Object.values(JOIN_FIGURES)]
  if (json) {
    const results = runs.map((run, i) => ({
      preset,
      seed: String(seeds[i]),
      figures: Object.fromEntries(figures.map((figure) => [figure, figureOf(run, figure)])),
    }))
    return yield* Console.log(JSON.stringify(results, null, 2))
  }
  const header = [preset, ...seeds.flatMap((each) => [`seed ${each}: p50`, "p95", "max"])]
  const rows = figures.map((figure) => [figure, ...runs.flatMap((run) => cells(figureOf(run, figure)))])
  yield* Console.log(textTable(header, rows))
})

/** The share of the samples, or their quantiles in ms or packets. */
const figureOf = (run: Samples, figure: string): number | Quantiles =>
  SHARES.has(figure) ? run.mean(figure) : run.quantiles(figure)

const cells = (figure: number | Quantiles): ReadonlyArray<string> =>
  typeof figure === "number"
    ? [`${(100 * figure).toFixed(1)} %`, "", ""]
    : [figure.p50, figure.p95, figure.max].map((value) => String(Math.round(value)))
