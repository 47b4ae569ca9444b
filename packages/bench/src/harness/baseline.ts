/**
 * Finds figures that have become worse. It compares our ratios to the peers of this run with the ratios in baseline.json. Times
 * themselves are never compared, since they depend on the machine.
 */
import { Effect, FileSystem, Schema } from "effect"
import { BenchmarkFailed, type Result } from "./Benchmark.ts"
import { formatFigure } from "./figures.ts"
import { ratio } from "./table.ts"

const Baseline = Schema.Record(Schema.String, Schema.Finite)

const path = new URL("../../baseline.json", import.meta.url).pathname

/** A ratio may be worse by this share: two runs on a busy machine differ as much. */
const TOLERANCE = 0.4

/** All ratios of the results, with names "result / peer". */
export const ratiosOf = (results: ReadonlyArray<Result>): Record<string, number> =>
  Object.fromEntries(
    results.flatMap((result) =>
      Object.entries(result.peers).map(([peer, value]) => [
        `${result.name} / ${peer}`,
        Number(ratio(result, value).toPrecision(3)),
      ]),
    ),
  )

/** One line for each ratio that is worse than the baseline's by more than the tolerance. */
export const worse = (baseline: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>) =>
  Object.entries(now).flatMap(([name, value]) => {
    const before = baseline[name]
    if (before === undefined || value >= before * (1 - TOLERANCE)) return []
    return [`${name}: ×${formatFigure(value)}, was ×${formatFigure(before)}`]
  })

const broken = (error: { readonly message: string }) => new BenchmarkFailed({ message: `${path}: ${error.message}` })

export const load = Effect.gen(function* () {
  const text = yield* (yield* FileSystem.FileSystem).readFileString(path)
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Baseline))(text)
}).pipe(Effect.mapError(broken))

/** Stores the ratios of these results. The ratios of benchmarks that were not run stay. */
export const save = Effect.fnUntraced(function* (results: ReadonlyArray<Result>) {
  const before = yield* Effect.orElseSucceed(load, (): Readonly<Record<string, number>> => ({}))
  const ratios = Object.entries({ ...before, ...ratiosOf(results) }).sort(([a], [b]) => a.localeCompare(b))
  yield* (yield* FileSystem.FileSystem).writeFileString(
    path,
    `${JSON.stringify(Object.fromEntries(ratios), undefined, 2)}\n`,
  )
}, Effect.mapError(broken))
