/**
 * Reads scenario files of iroh-gossip's simulator (`simulations/*.toml`; `SimConfig` in its `src/bin/sim.rs`) unchanged: the
 * gossip protocol alone, without DHT and topics.
 */
import { Result, Schema } from "effect"
import { type ConfigError, configError, firstProblem, type Path, type Problem } from "./ConfigError.ts"
import { Millis } from "./duration.ts"
import { integer, Seeds } from "./fields.ts"
import type { Bootstrap, GossipScenario } from "./GossipScenario.ts"
import { defaultLatency, type Latency } from "./Latency.ts"
import { parseToml } from "./parseToml.ts"
import { ProtocolTable, protocolOf } from "./protocolTable.ts"

/** The contents of a file: each scenario runs once with each seed. */
export interface GossipScenarioFile {
  readonly seeds: ReadonlyArray<bigint>
  readonly scenarios: ReadonlyArray<GossipScenario>
}

const LatencyTable = Schema.Struct({
  static: Schema.optionalKey(Millis),
  dynamic: Schema.optionalKey(Schema.Struct({ min: Millis, max: Millis })),
})

const NetworkTable = Schema.Struct({
  latency: Schema.optionalKey(LatencyTable),
  proto: Schema.optionalKey(ProtocolTable),
})
type NetworkTable = typeof NetworkTable.Type

const ScenarioTable = Schema.Struct({
  sim: Schema.Literals(["GossipSingle", "GossipMulti", "GossipAll"]),
  // The redundancy of a round divides by the number of deliveries less one, so at least two nodes must receive.
  nodes: integer(3, 100_000),
  rounds: Schema.optionalKey(integer(1, 1_000_000)),
  bootstrap: Schema.optionalKey(
    Schema.Union([Schema.Literal("single"), Schema.Struct({ set: Schema.Struct({ count: integer(1, 100_000) }) })]),
  ),
  config: Schema.optionalKey(NetworkTable),
})

const File = Schema.Struct({
  seeds: Seeds,
  config: Schema.optionalKey(NetworkTable),
  scenario: Schema.NonEmptyArray(ScenarioTable),
})

const decodeFile = Schema.decodeUnknownResult(File, { errors: "first", onExcessProperty: "error" })

/** The scenarios of a file's text, or the first error in it. `name` is the file's name for messages. */
export const readGossipScenarios = (text: string, name: string): Result.Result<GossipScenarioFile, ConfigError> =>
  Result.flatMap(parseToml(text, name), (toml) =>
    Result.mapError(fileOf(toml), (problem) => configError(text, name, problem)),
  )

const fileOf = (toml: unknown): Result.Result<GossipScenarioFile, Problem> =>
  Result.gen(function* () {
    const { config, scenario, seeds } = yield* Result.mapError(decodeFile(toml), firstProblem)
    const scenarios: Array<GossipScenario> = []
    for (const [i, table] of scenario.entries()) {
      // As in iroh-gossip, a scenario's own config replaces the file's config as a whole.
      const path = table.config === undefined ? ["config"] : ["scenario", i, "config"]
      const network = table.config ?? config
      scenarios.push({
        sim: table.sim,
        nodes: table.nodes,
        rounds: table.rounds ?? 30,
        latency: yield* latencyOf(network, [...path, "latency"]),
        protocol: yield* protocolOf(network?.proto, [...path, "proto"]),
        bootstrap: yield* bootstrapOf(table, i),
      })
    }
    return { seeds: seeds.map(BigInt), scenarios }
  })

const latencyOf = (network: NetworkTable | undefined, path: Path): Result.Result<Latency, Problem> => {
  const table = network?.latency
  if (table === undefined) return Result.succeed(defaultLatency)
  if ((table.static === undefined) === (table.dynamic === undefined)) {
    return Result.fail({ path, message: "must have one of the keys static and dynamic" })
  }
  if (table.static !== undefined) {
    const micros = Math.round(table.static * 1_000)
    return micros >= 1
      ? Result.succeed({ _tag: "Static", micros })
      : Result.fail({ path: [...path, "static"], message: "must be at least 1us" })
  }
  const [minMicros, maxMicros] = [Math.round(table.dynamic!.min * 1_000), Math.round(table.dynamic!.max * 1_000)]
  if (minMicros < 1) return Result.fail({ path: [...path, "dynamic", "min"], message: "must be at least 1us" })
  if (maxMicros <= minMicros) return Result.fail({ path: [...path, "dynamic", "max"], message: "must be above min" })
  return Result.succeed({ _tag: "Dynamic", minMicros, maxMicros })
}

const bootstrapOf = (table: typeof ScenarioTable.Type, i: number): Result.Result<Bootstrap, Problem> => {
  if (typeof table.bootstrap !== "object") return Result.succeed({ _tag: "Single" })
  const { count } = table.bootstrap.set
  return count <= table.nodes
    ? Result.succeed({ _tag: "Set", count })
    : Result.fail({
        path: ["scenario", i, "bootstrap", "set", "count"],
        message: `${count} is more than the scenario's ${table.nodes} nodes`,
      })
}
