/** The table of a delay distribution in a file, and the distribution it describes. */
import { Result, Schema } from "effect"
import type { Path, Problem } from "./ConfigError.ts"
import type { Delay, Regions } from "./Delay.ts"
import { Millis } from "./duration.ts"
import { between, positiveMillis, share } from "./fields.ts"

const key = Schema.optionalKey

/** Most values are near the median, and some are far above it. `sigma`: the deviation of their logarithms. */
export const LogNormalTable = Schema.Struct({ median: positiveMillis, sigma: between(0, 3, "a sigma, 0 to 3") })

export const DelayTable = Schema.Struct({
  constant: key(Millis),
  uniform: key(Schema.Struct({ min: Millis, max: Millis })),
  log_normal: key(LogNormalTable),
  regions: key(
    Schema.Struct({
      share: Schema.Record(Schema.String, share),
      within: Millis,
      between: Schema.Record(Schema.String, Millis),
    }),
  ),
})
type DelayTable = typeof DelayTable.Type

/** The distribution of a table that has exactly one of its keys. */
export const delayOf = (table: DelayTable, path: Path): Result.Result<Delay, Problem> => {
  if (Object.keys(table).length !== 1) {
    return Result.fail({ path, message: "must have one of the keys constant, uniform, log_normal and regions" })
  }
  if (table.constant !== undefined) return Result.succeed({ _tag: "Constant", ms: table.constant })
  if (table.uniform !== undefined) {
    const { max, min } = table.uniform
    return max >= min
      ? Result.succeed({ _tag: "Uniform", minMs: min, maxMs: max })
      : Result.fail({ path: [...path, "uniform", "max"], message: "must not be below min" })
  }
  if (table.log_normal !== undefined) {
    return Result.succeed({ _tag: "LogNormal", medianMs: table.log_normal.median, sigma: table.log_normal.sigma })
  }
  return Result.map(regionsOf(table.regions!, [...path, "regions"]), (regions) => ({ _tag: "Regions", regions }))
}

const regionsOf = (
  { between, share, within }: NonNullable<DelayTable["regions"]>,
  path: Path,
): Result.Result<Regions, Problem> => {
  const names = Object.keys(share)
  const shares = Object.values(share)
  const sum = shares.reduce((total, each) => total + each, 0)
  if (Math.abs(sum - 1) > 1e-6) {
    return Result.fail({ path: [...path, "share"], message: `the shares add up to ${sum}, not 1` })
  }
  const pairs = new Map(Object.entries(between))
  const ms: Array<Array<number>> = []
  for (const [i, from] of names.entries()) {
    ms.push([])
    for (const [j, to] of names.entries()) {
      const delay = i === j ? within : (pairs.get(`${from}-${to}`) ?? pairs.get(`${to}-${from}`))
      if (delay === undefined) return Result.fail({ path: [...path, "between"], message: `${from}-${to} is missing` })
      ms[i]!.push(delay)
    }
  }
  const known = new Set(names.flatMap((from) => names.map((to) => `${from}-${to}`)))
  const unknown = [...pairs.keys()].find((pair) => !known.has(pair))
  if (unknown !== undefined) {
    return Result.fail({ path: [...path, "between", unknown], message: `names no two regions of ${names.join(", ")}` })
  }
  return Result.succeed({ names, shares, ms })
}
