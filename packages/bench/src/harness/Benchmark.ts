/** A benchmark: a name, and an effect that measures and returns results. */
import { type Effect, Schema } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { type Figure, summary } from "./figures.ts"

/** A printed figure. `--json` prints these fields, so their names are an interface. */
export interface Result {
  /** The benchmark's name and the variant, such as "gossip/one process, 1024 B". */
  readonly name: string
  /** The median of the samples. */
  readonly value: number
  readonly unit: string
  readonly better: "higher" | "lower"
  /** The same figure of other programs, measured in the same run. */
  readonly peers: Readonly<Record<string, number>>
  readonly min: number
  readonly max: number
  readonly samples: number
  /** The bound of the figure, if it has one. */
  readonly goal?: Goal
}

/** A bound: a least or a largest value, depending on which one is better. */
export interface Goal {
  readonly limit: number
  readonly holds: boolean
}

/** A benchmark did not run to its end. */
export class BenchmarkFailed extends Schema.TaggedError<BenchmarkFailed>()("BenchmarkFailed", {
  message: Schema.String,
}) {}

/** The amount of measuring. */
export interface Extent {
  /** Samples of a slow measurement, such as a join in a new network. */
  readonly rounds: number
  /** Seconds of one sample of a rate. */
  readonly seconds: number
  /** Seconds for which idle topics are observed. */
  readonly idleSeconds: number
  /** Turns of two ways that are compared, or of one without and with something beside it. */
  readonly pairs: number
  /** Numbers of topics in one process. */
  readonly topics: ReadonlyArray<number>
  /** Numbers of nodes in a simulated swarm. */
  readonly nodes: ReadonlyArray<number>
}

/** The input of a benchmark. */
export interface Run extends Extent {
  /** Prints a line about progress or a missing peer on standard error. */
  readonly report: (line: string) => Effect.Effect<void>
}

export interface Benchmark {
  readonly name: string
  /** One line for `--help`. */
  readonly about: string
  readonly run: (
    run: Run,
  ) => Effect.Effect<ReadonlyArray<Result>, BenchmarkFailed, ChildProcessSpawner.ChildProcessSpawner>
}

/** The result with its bound. */
export const withGoal = (result: Result, limit: number): Result => ({
  ...result,
  goal: { limit, holds: result.better === "higher" ? result.value >= limit : result.value <= limit },
})

/** The result of our samples, with one figure of each peer that could be measured. */
export const result = (
  name: string,
  unit: string,
  better: "higher" | "lower",
  samples: ReadonlyArray<number>,
  peers: Readonly<Record<string, number | undefined>> = {},
): Result => {
  const { median, ...rest }: Figure = summary(samples)
  const measured = Object.entries(peers).filter((entry): entry is [string, number] => entry[1] !== undefined)
  return { name, value: median, unit, better, peers: Object.fromEntries(measured), ...rest }
}
