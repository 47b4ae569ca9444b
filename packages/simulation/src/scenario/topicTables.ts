/** The tables of a file of whole-topic scenarios, key by key. Times are texts such as "1m 30s". */
import { Schema } from "effect"
import { isNot } from "./ConfigError.ts"
import { MAX_MAINLINE_NODES } from "./DhtSettings.ts"
import { DelayTable, LogNormalTable } from "./delayTable.ts"
import { Millis } from "./duration.ts"
import { between, chance, integer, positiveMillis, share } from "./fields.ts"
import { ProtocolTable } from "./protocolTable.ts"

const rate = between(0, 1e6, "a rate per minute, 0 to 1,000,000")

const key = Schema.optionalKey

/** "10Mbit", "512kbit": bits per second. */
const Bandwidth = Schema.Union([Schema.String, Schema.Number]).check(
  Schema.makeFilter(
    (text: string | number) => bitsPerSecond(text) !== undefined || isNot(text, 'a bandwidth such as "10Mbit"'),
  ),
)

/** Bits per second, or undefined if the text is not a bandwidth. */
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
  relay: key(Schema.Struct({ rtt: key(positiveMillis), share: key(share), punched: key(share), after: key(Millis) })),
})

const Dht = Schema.Struct({
  model: key(Schema.Literals(["fixed-hops", "mainline"])),
  dead: key(chance),
  keep_first: key(share),
  hostile: key(Schema.Struct({ every: positiveMillis, signed: key(Schema.Boolean), nodes: key(integer(1, 100)) })),
  // Of the model with fixed hops only.
  // It keeps state for each of its nodes.
  nodes: key(integer(1, 10_000)),
  latency: key(DelayTable),
  k: key(integer(1, 100)),
  stale: key(share),
  lost_gets: key(chance),
  lost_puts: key(chance),
  dead_delay: key(Millis),
  hops: key(integer(1, 20)),
  cold_hops: key(integer(1, 20)),
  lost_delay: key(Millis),
  gets_per_second: key(integer(0, 1_000_000)),
  // Of the mainline model only.
  preset: key(Schema.Literals(["easy", "real", "hard"])),
  alive: key(integer(1, MAX_MAINLINE_NODES)),
  mute: key(chance),
  knowledge: key(chance),
  names: key(integer(1, 32)),
  rtt: key(LogNormalTable),
  jitter: key(Millis),
  loss: key(chance),
  answer_bytes_per_second: key(integer(0, 1_000_000_000)),
  bootstrap_dead: key(share),
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
  joined_p99: key(Millis),
  healed: key(Millis),
  recovered: key(Millis),
  late_joined: key(Millis),
  awake: key(Millis),
  delivered: key(share),
  hops: key(integer(0, 1_000)),
  channel_delivered: key(share),
  channel_latency: key(Millis),
  channel_p99: key(Millis),
  channel_faults: key(integer(0, 1_000_000)),
  bubbles_at_end: key(integer(1, 100_000)),
  bubbles_at_end_at_least: key(integer(1, 100_000)),
  steady_new_neighbors_per_node_minute: key(between(0, 1e9, "a number of neighbours")),
  steady_gets_per_topic_minute: key(between(0, 1e9, "a number of queries")),
  steady_puts_per_topic_minute: key(between(0, 1e9, "a number of queries")),
  dht_queries_per_topic_minute: key(between(0, 1e9, "a number of queries")),
  hottest_per_minute: key(between(0, 1e9, "a number of queries")),
})

export const TopicScenarioTable = Schema.Struct({
  sim: Schema.Literal("Topics"),
  name: Schema.String.check(
    Schema.makeFilter((name: string) => /^[\w.-]+$/.test(name) || isNot(name, "a name of letters, digits, _, . and -")),
  ),
  /** The purpose of the scenario, for readers of the file. */
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
  late: key(Schema.Struct({ at: Millis, nodes: key(integer(1, 10_000)), every: key(Millis) })),
  suspend: key(Schema.Struct({ at: Millis, for: positiveMillis, share })),
  churn: key(
    Schema.Struct({
      joins_per_minute: key(rate),
      leaves_per_minute: key(rate),
      crashes_per_minute: key(rate),
      from: key(Millis),
      until: key(Millis),
      stay: key(Millis),
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
  channel: key(
    Schema.Struct({
      authors: key(integer(1, 10_000)),
      count: key(integer(0, 1_000_000)),
      every: key(positiveMillis),
      bytes: key(integer(20, 1_000_000)),
      large: key(integer(0, 1_000_000)),
      first_words: key(Schema.Boolean),
    }),
  ),
  topic: key(Schema.Record(Schema.String, Schema.Unknown)),
  proto: key(ProtocolTable),
  expect: key(Expect),
})
