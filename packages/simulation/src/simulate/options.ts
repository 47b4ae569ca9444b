/**
 * The options of `simulate`, in the words of Effect programs, and the scenario that they describe. They are checked by the same schema as
 * scenario files, so both have the same bounds and the same messages.
 */
import { TopicConfig } from "@topic-tracker/core"
import { Duration, Effect, Result } from "effect"
import { formatPath } from "../scenario/locate.ts"
import { scenarioOf } from "../scenario/readTopicScenarios.ts"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import type { Table } from "../scenario/variants.ts"
import { SimulationError } from "./SimulationError.ts"

/**
 * A distribution of delays, one of: the same for all; drawn evenly; or most short and some very long, as on the internet (`sigma` is the
 * deviation of the logarithm, 0 to 3).
 *
 * @since 0.1.0
 * @category options
 */
export type DelayOptions =
  | { readonly constant: Duration.Input }
  | { readonly uniform: { readonly min: Duration.Input; readonly max: Duration.Input } }
  | { readonly logNormal: { readonly median: Duration.Input; readonly sigma: number } }

/**
 * The links between the instances. Shares and chances are 0 to 1; loss is that of packets, and costs time, because streams repeat
 * what was lost.
 *
 * @since 0.1.0
 * @category options
 */
export interface LinkOptions {
  /** One way. Default: 10 to 50 ms, drawn for each pair. */
  readonly latency?: DelayOptions
  /** The most that chance adds to each packet's delay. Default: 0. */
  readonly jitter?: Duration.Input
  readonly loss?: number
  readonly duplication?: number
  /** A share of the packets is delayed further. */
  readonly reordering?: { readonly share: number; readonly delay: Duration.Input }
  /** What an instance can send, such as "10Mbit". Default: no limit. */
  readonly bandwidth?: string
  /** Share of the instances that others cannot dial: behind a NAT. Without `relay` nothing helps them. */
  readonly nat?: number
  /**
   * Relays of the instances behind a NAT, as iroh has them: a dial takes the relay's way at once, and the connection becomes direct `after` a
   * while (default: 1 s) in a share of `punched` pairs (default: 0.9). `rtt`: over the relay (default: 120 ms). `share` of these
   * instances have one (default: all).
   */
  readonly relay?: {
    readonly rtt?: Duration.Input
    readonly share?: number
    readonly punched?: number
    readonly after?: Duration.Input
  }
}

/**
 * The DHT under the instances. `"fixed-hops"` (the default) is fast and has no routing tables; `"mainline"` puts millions of nodes under the
 * production client. The README of this package lists what each model has.
 *
 * @since 0.1.0
 * @category options
 */
export interface DhtModelOptions {
  readonly model?: "fixed-hops" | "mainline"
  /** Of `"mainline"`: `"real"` is the public DHT as measurements describe it. Default: "real". */
  readonly preset?: "easy" | "real" | "hard"
  /** Of `"fixed-hops"`: nodes of the DHT, at most 10,000. Default: 200. */
  readonly nodes?: number
  /** Of `"mainline"`: nodes that are there. Default: 4,000,000. */
  readonly alive?: number
  /** Share of the nodes that are gone and still known to others. */
  readonly dead?: number
  /** Share of the nodes that keep the first of two items with one sequence number. */
  readonly keepFirst?: number
  /** Of `"fixed-hops"`: a round trip to a node of the DHT. */
  readonly latency?: DelayOptions
  /** Of `"fixed-hops"`: chances that the answer to a get, or to a put, is lost. */
  readonly lostGets?: number
  readonly lostPuts?: number
  /** Of `"mainline"`, here and below: the round trips to its nodes, most near the median and some far above it. */
  readonly rtt?: { readonly median: Duration.Input; readonly sigma: number }
  /** The most that chance adds to each way of a packet. */
  readonly jitter?: Duration.Input
  /** Share of the nodes without BEP 44. */
  readonly mute?: number
  /** Loss of packets, each way. */
  readonly loss?: number
  /** Nodes that an answer names, and the chance that a node knows another one near itself. */
  readonly names?: number
  readonly knowledge?: number
  /** The answers of a node to all askers together; 0: no limit. */
  readonly answerBytesPerSecond?: number
  /** Share of the four bootstrap nodes that are gone. */
  readonly bootstrapDead?: number
}

/**
 * The scenario of a simulation in code. Times are Effect Durations, counted from the start.
 *
 * @since 0.1.0
 * @category options
 */
export interface SimulateOptions {
  /** Instances at the start, 1 to 10,000. */
  readonly nodes: number
  /** When the run ends, whether or not programs still run. */
  readonly duration: Duration.Input
  /** Decides every random number: the same seed gives the same log. Default: 1. */
  readonly seed?: number | bigint
  /** The instances start within this time, at random moments. Default: all at once. */
  readonly arriveOver?: Duration.Input
  /** The second of a minute at which the run starts, 0 to 59. Default: the seed decides. */
  readonly startSecond?: number
  /** The most that an instance's clock is wrong, in both directions. Default: 0. */
  readonly clockSkew?: Duration.Input
  /** `"dht"`: instances look a peer's address up in the DHT before they dial it. Default: all addresses are known. */
  readonly addresses?: "known" | "dht"
  readonly links?: LinkOptions
  readonly dht?: DhtModelOptions
  /** The network falls into `groups` parts (default: 2), instance i into part i mod groups; so does the DHT, unless `dht` is false. */
  readonly partitions?: ReadonlyArray<{
    readonly at: Duration.Input
    readonly for: Duration.Input
    readonly groups?: number
    readonly dht?: boolean
  }>
  /** A share of the instances stops without a word. */
  readonly crash?: { readonly at: Duration.Input; readonly share: number }
  /** Instances that come when the others have been there for a while: `nodes` of them (default: 1), one each `every` (default: at once). */
  readonly late?: { readonly at: Duration.Input; readonly nodes?: number; readonly every?: Duration.Input }
  /** A share of the instances is suspended, as laptops whose lids are closed: timers stop, nothing arrives, and the time of day jumps. */
  readonly suspend?: { readonly at: Duration.Input; readonly for: Duration.Input; readonly share: number }
  /** Instances that come, leave in order, or crash, at random moments. An instance that comes has a new index. */
  readonly churn?: {
    readonly joinsPerMinute?: number
    readonly leavesPerMinute?: number
    readonly crashesPerMinute?: number
    readonly from?: Duration.Input
    readonly until?: Duration.Input
    /** No instance leaves or crashes sooner after its start. Default: 0. */
    readonly stay?: Duration.Input
  }
  /** Options of the instances' trackers. */
  readonly topic?: TopicConfig.TopicConfigInput
}

/**
 * A scenario from a file, in the format of this package's `scenarios`. What a file says about messages and channels does not count: the
 * program decides what is said.
 *
 * @since 0.1.0
 * @category options
 */
export interface SimulateFileOptions {
  readonly file: string
  /** The scenario's name, or a part of it. Default: the file's only one. */
  readonly scenario?: string
  /** Default: the file's first. */
  readonly seed?: number | bigint
}

/** Keys whose values are times, in all tables. */
const DURATIONS: ReadonlySet<string> = new Set(
  "duration arriveOver clockSkew jitter delay at for from until constant min max median rtt after every stay".split(
    " ",
  ),
)

/** The scenario of the options, or what is wrong with them. */
export const scenarioOfOptions = (options: SimulateOptions): Effect.Effect<TopicScenario, SimulationError> =>
  Effect.gen(function* () {
    const { partitions, seed: _, topic = {}, ...rest } = options
    const given = { ...rest, ...(partitions === undefined ? {} : { partition: partitions }) }
    const table = yield* Effect.try({
      try: () => tableOf(given, "options") as Table,
      catch: (cause) => invalid(cause instanceof Error ? cause.message : String(cause)),
    })
    const scenario = yield* Effect.fromResult(
      Result.mapError(scenarioOf({ ...table, sim: "Topics", name: "simulate" }, {}), ({ message, path }) =>
        invalid(`options.${formatPath(path.map(inCode))}: ${message}`),
      ),
    )
    yield* Effect.mapError(TopicConfig.make(topic), ({ message }) => invalid(`options.topic: ${message}`))
    return { ...scenario, topic }
  })

export const invalid = (message: string): SimulationError => new SimulationError({ reason: "InvalidOptions", message })

/** The table of a scenario file that says the same. */
const tableOf = (value: unknown, path: string): unknown => {
  if (Array.isArray(value)) return value.map((each, i) => tableOf(each, `${path}[${i}]`))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [
        key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        DURATIONS.has(key) && !isDistribution(each) ? timeOf(each, `${path}.${key}`) : tableOf(each, `${path}.${key}`),
      ]),
  )
}

/** Whether it is a table of round trips, under a key that is a time elsewhere. */
const isDistribution = (value: unknown): boolean => typeof value === "object" && value !== null && "sigma" in value

const timeOf = (value: unknown, path: string): string => {
  const duration = Duration.fromInput(value as Duration.Input)
  const millis = duration._tag === "None" ? Number.NaN : Duration.toMillis(duration.value)
  if (!Number.isFinite(millis) || millis < 0) {
    throw new Error(`${path}: ${String(value)} is not a time such as "2 minutes" or 500 (ms)`)
  }
  return `${Math.round(millis * 1e6)}ns`
}

const inCode = (key: PropertyKey): PropertyKey =>
  key === "partition"
    ? "partitions"
    : typeof key === "string"
      ? key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      : key
