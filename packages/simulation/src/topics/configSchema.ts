/** The tables of a whole-topic scenario as files write them. Times are texts such as "1m 30s". */
import { Schema } from "effect"
import { Millis } from "../config/duration.ts"
import { wrong } from "../config/problem.ts"
import { ProtocolTable } from "../config/protocolConfig.ts"

export const integer = (minimum: number, maximum: number) => {
  const expected = `an integer from ${minimum} to ${maximum}`
  const isRight = (value: number) => Number.isInteger(value) && value >= minimum && value <= maximum
  return Schema.Number.check(Schema.makeFilter((value: number) => isRight(value) || wrong(value, expected)))
}

const between = (minimum: number, maximum: number, expected: string) =>
  Schema.Number.check(
    Schema.makeFilter((value: number) => (value >= minimum && value <= maximum) || wrong(value, expected)),
  )

/** Less than everything: with a loss of 1 nothing could ever happen. */
const chance = Schema.Number.check(
  Schema.makeFilter((value: number) => (value >= 0 && value < 1) || wrong(value, "a chance, 0 to below 1")),
)
const share = between(0, 1, "a share, 0 to 1")
const rate = between(0, 1e6, "a rate per minute, 0 to 1,000,000")
const positiveMillis = Millis.check(Schema.makeFilter((millis: number) => millis > 0 || "must be longer than nothing"))

const key = Schema.optionalKey

export const DelayTable = Schema.Struct({
  constant: key(Millis),
  uniform: key(Schema.Struct({ min: Millis, max: Millis })),
  log_normal: key(Schema.Struct({ median: positiveMillis, sigma: between(0, 3, "a sigma, 0 to 3") })),
  regions: key(
    Schema.Struct({
      share: Schema.Record(Schema.String, share),
      within: Millis,
      between: Schema.Record(Schema.String, Millis),
    }),
  ),
})

/** "10Mbit", "512kbit": bits per second. */
const Bandwidth = Schema.Union([Schema.String, Schema.Number]).check(
  Schema.makeFilter(
    (text: string | number) => bitsPerSecond(text) !== undefined || wrong(text, 'a bandwidth such as "10Mbit"'),
  ),
)

/** Bits per second, or undefined when the text says none. */
export const bitsPerSecond = (text: string | number): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*(k|M|G)?bit$/.exec(String(text))
  const scale = { k: 1e3, M: 1e6, G: 1e9 }[match?.[2] ?? ""] ?? 1
  const bits = match === null ? 0 : Number(match[1]) * scale
  return bits > 0 ? bits : undefined
}

const Links = Schema.Struct({
  latency: key(DelayTable),
  jitter: key(Millis),
  loss: key(chance),
  duplication: key(chance),
  reordering: key(Schema.Struct({ share, delay: Millis })),
  bandwidth: key(Bandwidth),
  nat: key(chance),
})

const Dht = Schema.Struct({
  nodes: key(integer(1, 10_000)),
  k: key(integer(1, 100)),
  latency: key(DelayTable),
  dead: key(chance),
  stale: key(share),
  keep_first: key(share),
  lost_gets: key(chance),
  lost_puts: key(chance),
  dead_delay: key(Millis),
  hops: key(integer(1, 20)),
  cold_hops: key(integer(1, 20)),
  lost_delay: key(Millis),
  hostile: key(Schema.Struct({ every: positiveMillis, signed: key(Schema.Boolean), nodes: key(integer(1, 100)) })),
})

const Partition = Schema.Struct({
  at: Millis,
  for: positiveMillis,
  groups: key(integer(2, 100)),
  dht: key(Schema.Boolean),
})

const Expect = Schema.Struct({
  one_swarm: key(Millis),
  joined: key(Millis),
  healed: key(Millis),
  recovered: key(Millis),
  delivered: key(share),
  hops: key(integer(0, 1_000)),
  bubbles_at_end: key(integer(1, 100_000)),
  bubbles_at_end_at_least: key(integer(1, 100_000)),
  steady_new_neighbors_per_node_minute: key(between(0, 1e9, "a number of neighbours")),
  dht_queries_per_topic_minute: key(between(0, 1e9, "a number of queries")),
  hottest_per_minute: key(between(0, 1e9, "a number of queries")),
})

export const Scenario = Schema.Struct({
  sim: Schema.Literal("Topics"),
  name: Schema.String.check(
    Schema.makeFilter((name: string) => /^[\w.-]+$/.test(name) || wrong(name, "a name of letters, digits, _, . and -")),
  ),
  /** What the scenario is to find out, for people. */
  about: key(Schema.String),
  nodes: integer(1, 10_000),
  duration: positiveMillis,
  arrive_over: key(Millis),
  stop_early: key(Schema.Boolean),
  start_second: key(integer(0, 59)),
  clock_skew: key(Millis),
  addresses: key(Schema.Literals(["dht", "known"])),
  links: key(Links),
  dht: key(Dht),
  partition: key(Schema.Array(Partition)),
  crash: key(Schema.Struct({ at: Millis, share })),
  churn: key(
    Schema.Struct({
      joins_per_minute: key(rate),
      leaves_per_minute: key(rate),
      crashes_per_minute: key(rate),
      from: key(Millis),
      until: key(Millis),
    }),
  ),
  broadcast: key(
    Schema.Struct({
      from: key(Millis),
      every: key(positiveMillis),
      count: integer(1, 1_000_000),
      bytes: key(integer(10, 4_000)),
    }),
  ),
  topic: key(Schema.Record(Schema.String, Schema.Unknown)),
  proto: key(ProtocolTable),
  expect: key(Expect),
})
