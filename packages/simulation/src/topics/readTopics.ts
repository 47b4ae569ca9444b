/**
 * Reads configuration files of whole-topic scenarios, and says by line and key what is wrong with one. A scenario can be
 * varied: `[scenario.vary]` gives keys (dotted, from the scenario) lists of values, all of one length, and each place in the
 * lists is a scenario of its own.
 */
import { TopicConfig } from "@topic-tracker/core"
import { Effect, Result, Schema } from "effect"
import { parseMillis } from "../config/duration.ts"
import {
  type ConfigError,
  configError,
  firstProblem,
  type Path,
  type Problem,
  parseToml,
  wrong,
} from "../config/problem.ts"
import { decodeProtocol, snake, toProtocolInput } from "../config/protocolConfig.ts"
import { type Delay, type Regions, timeoutOf } from "../model/Delay.ts"
import { bitsPerSecond, type DelayTable, integer, Scenario } from "./configSchema.ts"
import type { TopicScenario } from "./TopicScenario.ts"

/** What a file asks for: each scenario runs once with each seed. */
export interface TopicsConfig {
  readonly seeds: ReadonlyArray<bigint>
  /** Those with which it also runs over real packets, when it is to: the first of the seeds. */
  readonly socketSeeds: ReadonlyArray<bigint>
  readonly scenarios: ReadonlyArray<TopicScenario>
}

const Seed = Schema.Union([Schema.Int, Schema.BigInt]).check(
  Schema.makeFilter((seed: number | bigint) => seed >= 0 || wrong(seed, "a seed, 0 to 2^63 - 1")),
)

const File = Schema.Struct({
  seeds: Schema.NonEmptyArray(Seed),
  /** With how many of them scenarios run over real packets; all unless set. */
  socket_seeds: Schema.optionalKey(integer(1, 1_000)),
  // Each is checked by itself, once it is varied.
  scenario: Schema.NonEmptyArray(Schema.Record(Schema.String, Schema.Unknown)),
})
const decodeFile = Schema.decodeUnknownResult(File, { errors: "first", onExcessProperty: "error" })
const decodeScenario = Schema.decodeUnknownResult(Scenario, { errors: "first", onExcessProperty: "error" })

type Table = Readonly<Record<string, unknown>>

/** Whether a file is one of whole topics: its first scenario says so. */
export const isTopics = (text: string): boolean => /^\s*sim\s*=\s*["']Topics["']/m.test(text)

/** What the text of a file says, or the first thing that is wrong with it. `name` is the file's name for messages. */
export const readTopics = (text: string, name: string): Result.Result<TopicsConfig, ConfigError> => {
  const refuse = (problem: Problem) => Result.fail(configError(text, name, problem))
  const toml = parseToml(text, name)
  if (Result.isFailure(toml)) return Result.fail(toml.failure)
  const file = decodeFile(toml.success)
  if (Result.isFailure(file)) return refuse(firstProblem(file.failure))
  const scenarios: Array<TopicScenario> = []
  for (const [i, { vary, ...table }] of file.success.scenario.entries()) {
    const variants = variantsOf(vary, i)
    if (Result.isFailure(variants)) return refuse(variants.failure)
    for (const variant of variants.success) {
      const scenario = scenarioOf(applied(table, variant), variant)
      if (Result.isFailure(scenario)) {
        const { message, path } = scenario.failure
        const varied = Object.keys(variant).find((key) => key === path.join("."))
        const at = varied === undefined ? path : ["vary", varied]
        return refuse({ message, path: ["scenario", i, ...at] })
      }
      scenarios.push(scenario.success)
    }
  }
  const seeds = file.success.seeds.map(BigInt)
  return Result.succeed({ seeds, socketSeeds: seeds.slice(0, file.success.socket_seeds), scenarios })
}

type Variant = TopicScenario["variant"]

const variantsOf = (vary: unknown, i: number): Result.Result<ReadonlyArray<Variant>, Problem> => {
  if (vary === undefined) return Result.succeed([{}])
  const path = ["scenario", i, "vary"]
  const isTable = typeof vary === "object" && vary !== null && !Array.isArray(vary)
  if (!isTable) return Result.fail({ path, message: "is not a table of lists, such as nodes = [10, 100]" })
  const lists = flatten(vary as Table)
  let length: number | undefined
  for (const [key, list] of lists) {
    const isList = Array.isArray(list) && list.length > 0 && list.every((value) => typeof value !== "object")
    if (!isList) return Result.fail({ path: [...path, key], message: "is not a list of values" })
    length ??= list.length
    if (list.length !== length) {
      const message = `has ${list.length} values where the first list has ${length}`
      return Result.fail({ path: [...path, key], message })
    }
  }
  return Result.succeed(
    Array.from({ length: length ?? 1 }, (_, place) =>
      Object.fromEntries(lists.map(([key, list]) => [key, (list as ReadonlyArray<string | number | boolean>)[place]!])),
    ),
  )
}

/** Dotted keys and tables within the table come to the same. */
const flatten = (table: Table, prefix = ""): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(table).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? flatten(value as Table, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value] as const],
  )

/** The table with the variant's values in their places. */
const applied = (table: Table, variant: Variant): Table => {
  let result = table
  for (const [key, value] of Object.entries(variant)) result = withValue(result, key.split("."), value)
  return result
}

const withValue = (table: Table, [key, ...rest]: ReadonlyArray<string>, value: unknown): Table => {
  const inner = table[key!]
  if (rest.length === 0) return { ...table, [key!]: value }
  // `partition.0.groups`: the first of several tables.
  if (Array.isArray(inner)) {
    const [place, ...path] = rest
    const changed = inner.map((each, i) => (String(i) === place ? withValue(each, path, value) : each))
    return { ...table, [key!]: changed }
  }
  const isTable = typeof inner === "object" && inner !== null
  return { ...table, [key!]: withValue(isTable ? (inner as Table) : {}, rest, value) }
}

/** Expectations say what is right, not which scenario it is. */
const naming = (variant: Variant): Variant =>
  Object.fromEntries(Object.entries(variant).filter(([key]) => !key.startsWith("expect.") && key !== "duration"))

/** As the DHT client has it: see `roundTripFloor`. */
const leastWaitMs = 25

const scenarioOf = (table: Table, variant: Variant): Result.Result<TopicScenario, Problem> => {
  const decoded = decodeScenario(table)
  if (Result.isFailure(decoded)) return Result.fail(firstProblem(decoded.failure))
  const { broadcast, churn, crash, dht, expect, links, partition, proto, topic, ...rest } = decoded.success
  const latency = delayOf(links?.latency ?? { uniform: { min: 10, max: 50 } }, ["links", "latency"])
  if (Result.isFailure(latency)) return Result.fail(latency.failure)
  const roundTrip = delayOf(dht?.latency ?? { uniform: { min: 20, max: 100 } }, ["dht", "latency"])
  if (Result.isFailure(roundTrip)) return Result.fail(roundTrip.failure)
  if (roundTrip.success._tag === "Regions") {
    return Result.fail({ path: ["dht", "latency", "regions"], message: "only links have regions" })
  }
  const wait = Math.max(leastWaitMs, timeoutOf(roundTrip.success))
  const topicConfig = topicOf(topic)
  if (Result.isFailure(topicConfig)) return Result.fail(topicConfig.failure)
  const protocol = Result.mapError(decodeProtocol(toProtocolInput(proto)), (error) => {
    const problem = firstProblem(error)
    return { message: problem.message, path: ["proto", ...problem.path.map((key) => snake(String(key)))] }
  })
  if (Result.isFailure(protocol)) return Result.fail(protocol.failure)
  const impossible = impossibility(decoded.success)
  if (impossible !== undefined) return Result.fail(impossible)
  return Result.succeed({
    name: rest.name,
    variant: naming(variant),
    nodes: rest.nodes,
    durationMs: rest.duration,
    arriveOverMs: rest.arrive_over ?? 0,
    stopEarly: rest.stop_early ?? false,
    startSecond: rest.start_second,
    clockSkewMs: rest.clock_skew ?? 0,
    addresses: rest.addresses ?? "known",
    links: {
      latency: latency.success,
      jitterMs: links?.jitter ?? 0,
      loss: links?.loss ?? 0,
      duplication: links?.duplication ?? 0,
      reordering: { share: links?.reordering?.share ?? 0, delayMs: links?.reordering?.delay ?? 0 },
      bandwidth: links?.bandwidth === undefined ? undefined : bitsPerSecond(links.bandwidth),
      nat: links?.nat ?? 0,
    },
    dht: {
      nodes: dht?.nodes ?? 200,
      k: dht?.k ?? 20,
      latency: roundTrip.success,
      hops: dht?.hops ?? 2,
      coldHops: dht?.cold_hops ?? 3,
      lostDelayMs: dht?.lost_delay ?? wait,
      dead: dht?.dead ?? 0,
      stale: dht?.stale ?? 0,
      keepFirst: dht?.keep_first ?? 0,
      lostGets: dht?.lost_gets ?? 0,
      lostPuts: dht?.lost_puts ?? 0,
      deadDelayMs: dht?.dead_delay ?? wait,
      hostile:
        dht?.hostile === undefined
          ? undefined
          : {
              everyMs: dht.hostile.every,
              signed: dht.hostile.signed ?? true,
              nodes: dht.hostile.nodes ?? dht.k ?? 20,
            },
    },
    partitions: (partition ?? []).map(({ at, dht, for: lasts, groups }) => ({
      atMs: at,
      forMs: lasts,
      groups: groups ?? 2,
      dht: dht ?? true,
    })),
    crash: crash === undefined ? undefined : { atMs: crash.at, share: crash.share },
    churn:
      churn === undefined
        ? undefined
        : {
            joinsPerMinute: churn.joins_per_minute ?? 0,
            leavesPerMinute: churn.leaves_per_minute ?? 0,
            crashesPerMinute: churn.crashes_per_minute ?? 0,
            fromMs: churn.from ?? 0,
            untilMs: churn.until ?? rest.duration,
          },
    broadcasts:
      broadcast === undefined
        ? undefined
        : {
            fromMs: broadcast.from,
            everyMs: broadcast.every ?? 1_000,
            count: broadcast.count,
            bytes: broadcast.bytes ?? 100,
          },
    topic: topicConfig.success,
    gossip: protocol.success,
    expect: expect ?? {},
  })
}

/** What each key allows by itself, but not together. */
const impossibility = ({ churn, crash, duration, nodes, partition }: typeof Scenario.Type): Problem | undefined => {
  if (crash !== undefined && crash.at >= duration) {
    return { path: ["crash", "at"], message: "is not before the end of the scenario's duration" }
  }
  if (churn?.until !== undefined && churn.until <= (churn.from ?? 0)) {
    return { path: ["churn", "until"], message: "is not after churn.from" }
  }
  let free = 0
  for (const [i, { at, for: lasts, groups = 2 }] of (partition ?? []).entries()) {
    const path = ["partition", i]
    if (at < free) return { path: [...path, "at"], message: "is before the end of the partition before" }
    if (groups > nodes) return { path: [...path, "groups"], message: `${groups} is more than the ${nodes} nodes` }
    free = at + lasts
    if (free >= duration) return { path: [...path, "for"], message: "does not end within the scenario's duration" }
  }
  return undefined
}

const delayOf = (table: typeof DelayTable.Type, path: Path): Result.Result<Delay, Problem> => {
  const given = Object.keys(table)
  if (given.length !== 1) {
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
  { between, share, within }: NonNullable<(typeof DelayTable.Type)["regions"]>,
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
  const stranger = [...pairs.keys()].find((pair) => !known.has(pair))
  if (stranger !== undefined) {
    return Result.fail({ path: [...path, "between", stranger], message: `names no two regions of ${names.join(", ")}` })
  }
  return Result.succeed({ names, shares, ms })
}

/** Options of topics, in snake case: `[scenario.topic.bubble_merge] enabled = false`. */
const topicOf = (table: Table | undefined): Result.Result<TopicConfig.TopicConfigInput, Problem> => {
  const input: Record<string, unknown> = {}
  for (const [group, members] of Object.entries(table ?? {})) {
    const isTable = typeof members === "object" && members !== null
    if (!isTable) return Result.fail({ path: ["topic", group], message: "is not a table of options" })
    input[camel(group)] = Object.fromEntries(
      Object.entries(members).map(([key, value]) => [camel(key), asOption(value)]),
    )
  }
  return Effect.runSync(Effect.result(TopicConfig.make(input))).pipe(
    Result.map(() => input),
    Result.mapError(({ issues }) => {
      const { expected, option, value } = issues[0]!
      return { path: ["topic", ...option.split(".").map(underscored)], message: `is ${value}; expected ${expected}` }
    }),
  )
}

/** Times are written as everywhere in these files. */
const asOption = (value: unknown): unknown => {
  const millis = typeof value === "string" ? parseMillis(value) : undefined
  return millis === undefined ? value : `${millis} millis`
}

const camel = (key: string): string => key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const underscored = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
