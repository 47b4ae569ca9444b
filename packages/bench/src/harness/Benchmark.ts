/** What a benchmark is: a name, and an effect that measures and gives figures. */
import { type Effect, Schema } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { type Figure, summary } from "./figures.ts"

/** A figure as it is printed; the field names are an interface, see `--json`. */
export interface Result {
  /** The benchmark's name and what was varied, such as "gossip/1024 B". */
  readonly name: string
  /** The median of the samples. */
  readonly value: number
  readonly unit: string
  readonly better: "higher" | "lower"
  /** The same figure of others, measured in the same run. */
  readonly peers: Readonly<Record<string, number>>
  readonly min: number
  readonly max: number
  readonly samples: number
}

/** A benchmark could not run to its end. */
export class BenchmarkFailed extends Schema.TaggedError<BenchmarkFailed>()("BenchmarkFailed", {
  message: Schema.String,
}) {}

/** How much is measured. */
export interface Extent {
  /** How many samples of what takes long, such as a join in a fresh network. */
  readonly rounds: number
  /** How long one sample of a rate lasts, in seconds. */
  readonly seconds: number
  /** How long idle topics are watched, in seconds. */
  readonly idleSeconds: number
  /** In how many topics at once. */
  readonly topics: ReadonlyArray<number>
  /** How large simulated swarms are. */
  readonly nodes: ReadonlyArray<number>
}

/** What `run` may need besides its extent. */
export interface Run extends Extent {
  /** Tells the reader what is under way or missing; not part of the results. */
  readonly say: (line: string) => Effect.Effect<void>
}

export interface Benchmark {
  readonly name: string
  /** One line for `--help`. */
  readonly about: string
  readonly run: (
    run: Run,
  ) => Effect.Effect<ReadonlyArray<Result>, BenchmarkFailed, ChildProcessSpawner.ChildProcessSpawner>
}

/** The result of samples of ours, beside one figure of each peer that could be measured. */
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
