/** Makes the DHT settings of a scenario from its table: fills in the defaults of the model and refuses the keys of the other one. */
import { Result } from "effect"
import type { Problem } from "./ConfigError.ts"
import { type Delay, timeoutOf } from "./Delay.ts"
import {
  type DhtSettings,
  type FixedHopsSettings,
  type HostileSettings,
  MAX_MAINLINE_NODES,
  type MainlineSettings,
  mainlinePreset,
} from "./DhtSettings.ts"
import { delayOf } from "./delayTable.ts"
import type { TopicScenarioTable } from "./topicTables.ts"

type Table = NonNullable<(typeof TopicScenarioTable.Type)["dht"]>

/** The least time that the DHT client waits for an answer: `roundTripFloor` in dht. */
const LEAST_WAIT_MS = 25

const FIXED_HOPS_KEYS = [
  "nodes",
  "latency",
  "k",
  "stale",
  "lost_gets",
  "lost_puts",
  "dead_delay",
  "hops",
  "cold_hops",
  "lost_delay",
  "gets_per_second",
] as const
const MAINLINE_KEYS = [
  "preset",
  "alive",
  "mute",
  "knowledge",
  "names",
  "rtt",
  "jitter",
  "loss",
  "answer_bytes_per_second",
  "bootstrap_dead",
] as const

/** The names in a mainline of keys of the model with fixed hops. */
const MAINLINE_NAMES: Readonly<Record<string, string>> = { nodes: "alive", latency: "rtt" }

export const dhtOf = (table: Table = {}): Result.Result<DhtSettings, Problem> => {
  const isMainline = table.model === "mainline"
  const foreign = (isMainline ? FIXED_HOPS_KEYS : MAINLINE_KEYS).find((key) => table[key] !== undefined)
  if (foreign !== undefined) {
    const name = MAINLINE_NAMES[foreign]
    const needs = `needs model = "${isMainline ? "fixed-hops" : "mainline"}"`
    return Result.fail({ path: ["dht", foreign], message: name === undefined ? needs : `is "${name}" in a mainline` })
  }
  return isMainline ? mainlineOf(table) : fixedHopsOf(table)
}

const mainlineOf = (table: Table): Result.Result<MainlineSettings, Problem> => {
  const preset = mainlinePreset(table.preset ?? "real")
  const { alive = preset.alive, dead = preset.dead, rtt } = table
  if (alive / (1 - dead) > MAX_MAINLINE_NODES) {
    const message = `${alive} nodes with a share of ${dead} dead are more than the ${MAX_MAINLINE_NODES} addresses of the model`
    return Result.fail({ path: ["dht", "alive"], message })
  }
  return Result.succeed({
    model: "mainline",
    alive,
    dead,
    mute: table.mute ?? preset.mute,
    knowledge: table.knowledge ?? preset.knowledge,
    keepFirst: table.keep_first ?? preset.keepFirst,
    names: table.names ?? preset.names,
    roundTrip: rtt === undefined ? preset.roundTrip : { _tag: "LogNormal", medianMs: rtt.median, sigma: rtt.sigma },
    jitterMs: table.jitter ?? preset.jitterMs,
    loss: table.loss ?? preset.loss,
    answerBytesPerSecond: table.answer_bytes_per_second ?? preset.answerBytesPerSecond,
    bootstrapDead: table.bootstrap_dead ?? preset.bootstrapDead,
    hostile: hostileOf(table),
  })
}

const fixedHopsOf = (table: Table): Result.Result<FixedHopsSettings, Problem> =>
  Result.map(latencyOf(table), (latency): FixedHopsSettings => {
    const waitMs = Math.max(LEAST_WAIT_MS, timeoutOf(latency))
    return {
      model: "fixed-hops",
      nodes: table.nodes ?? 200,
      k: table.k ?? 20,
      latency,
      hops: table.hops ?? 2,
      coldHops: table.cold_hops ?? 3,
      lostDelayMs: table.lost_delay ?? waitMs,
      dead: table.dead ?? 0,
      stale: table.stale ?? 0,
      keepFirst: table.keep_first ?? 0,
      lostGets: table.lost_gets ?? 0,
      lostPuts: table.lost_puts ?? 0,
      getsPerSecond: table.gets_per_second ?? 0,
      deadDelayMs: table.dead_delay ?? waitMs,
      hostile: hostileOf(table),
    }
  })

const latencyOf = ({ latency }: Table): Result.Result<Delay, Problem> => {
  const path = ["dht", "latency"]
  if (latency === undefined) return Result.succeed({ _tag: "Uniform", minMs: 20, maxMs: 100 })
  return Result.flatMap(delayOf(latency, path), (delay) =>
    delay._tag === "Regions"
      ? Result.fail({ path: [...path, "regions"], message: "only links have regions" })
      : Result.succeed(delay),
  )
}

const hostileOf = ({ hostile, k = 20 }: Table): HostileSettings | undefined =>
  hostile && { everyMs: hostile.every, signed: hostile.signed ?? true, nodes: hostile.nodes ?? k }
