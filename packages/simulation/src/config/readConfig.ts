/**
 * Reads configuration files of iroh-gossip's simulator (`simulations/*.toml`; `SimConfig` in its `src/bin/sim.rs`) as they
 * stand, and says by line and key what is wrong with one.
 */
import type { ProtocolConfig } from "@topic-tracker/gossip/stateMachine"
import { Result, Schema } from "effect"
import type { Bootstrap, Scenario } from "../gossip/Scenario.ts"
import { defaultLatency, type Latency } from "../network/Latency.ts"
import { Millis } from "./duration.ts"
import { type ConfigError, configError, firstProblem, type Path, type Problem, parseToml, wrong } from "./problem.ts"
import { decodeProtocol, ProtocolTable, snake, toProtocolInput } from "./protocolConfig.ts"

/** What a file asks for. */
export interface SimulationConfig {
  /** Each scenario runs once with each. */
  readonly seeds: ReadonlyArray<bigint>
  readonly scenarios: ReadonlyArray<Scenario>
}

const integer = (minimum: number, maximum: number) => {
  const expected = `an integer from ${minimum} to ${maximum}`
  const isRight = (value: unknown) => Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum
  return Schema.Number.check(Schema.makeFilter((value: number) => isRight(value) || wrong(value, expected)))
}

const Seed = Schema.Union([Schema.Int, Schema.BigInt]).check(
  Schema.makeFilter((seed: number | bigint) => seed >= 0 || wrong(seed, "a seed, 0 to 2^63 - 1")),
)

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
  // The redundancy of a round divides by the deliveries less one, so there must be two others to deliver to.
  nodes: integer(3, 100_000),
  rounds: Schema.optionalKey(integer(1, 1_000_000)),
  bootstrap: Schema.optionalKey(
    Schema.Union([Schema.Literal("single"), Schema.Struct({ set: Schema.Struct({ count: integer(1, 100_000) }) })]),
  ),
  config: Schema.optionalKey(NetworkTable),
})

const File = Schema.Struct({
  seeds: Schema.NonEmptyArray(Seed),
  config: Schema.optionalKey(NetworkTable),
  scenario: Schema.NonEmptyArray(ScenarioTable),
})

const decodeFile = Schema.decodeUnknownResult(File, { errors: "first", onExcessProperty: "error" })

/** What the text of a file says, or the first thing that is wrong with it. `name` is the file's name for messages. */
export const readConfig = (text: string, name: string): Result.Result<SimulationConfig, ConfigError> => {
  const refuse = (problem: Problem) => Result.fail(configError(text, name, problem))
  const toml = parseToml(text, name)
  if (Result.isFailure(toml)) return Result.fail(toml.failure)
  const file = decodeFile(toml.success)
  if (Result.isFailure(file)) return refuse(firstProblem(file.failure))
  const { config, scenario, seeds } = file.success
  const scenarios: Array<Scenario> = []
  for (const [i, table] of scenario.entries()) {
    // As in iroh-gossip, a scenario's own config takes the place of the file's as a whole.
    const path = table.config === undefined ? ["config"] : ["scenario", i, "config"]
    const network = table.config ?? config
    const latency = latencyOf(network, path)
    if (Result.isFailure(latency)) return refuse(latency.failure)
    const protocol = protocolOf(network, path)
    if (Result.isFailure(protocol)) return refuse(protocol.failure)
    const bootstrap = bootstrapOf(table, i)
    if (Result.isFailure(bootstrap)) return refuse(bootstrap.failure)
    scenarios.push({
      sim: table.sim,
      nodes: table.nodes,
      rounds: table.rounds ?? 30,
      bootstrap: bootstrap.success,
      latency: latency.success,
      protocol: protocol.success,
    })
  }
  return Result.succeed({ seeds: seeds.map(BigInt), scenarios })
}

const latencyOf = (network: NetworkTable | undefined, path: Path): Result.Result<Latency, Problem> => {
  const table = network?.latency
  if (table === undefined) return Result.succeed(defaultLatency)
  const at = (...keys: Path) => [...path, "latency", ...keys]
  if ((table.static === undefined) === (table.dynamic === undefined)) {
    return Result.fail({ path: at(), message: "must have one of the keys static and dynamic" })
  }
  if (table.static !== undefined) {
    const micros = Math.round(table.static * 1_000)
    return micros >= 1
      ? Result.succeed({ _tag: "Static", micros })
      : Result.fail({ path: at("static"), message: "must be at least 1us" })
  }
  const [minMicros, maxMicros] = [Math.round(table.dynamic!.min * 1_000), Math.round(table.dynamic!.max * 1_000)]
  if (minMicros < 1) return Result.fail({ path: at("dynamic", "min"), message: "must be at least 1us" })
  if (maxMicros <= minMicros) return Result.fail({ path: at("dynamic", "max"), message: "must be above min" })
  return Result.succeed({ _tag: "Dynamic", minMicros, maxMicros })
}

const protocolOf = (network: NetworkTable | undefined, path: Path): Result.Result<ProtocolConfig, Problem> =>
  Result.mapError(decodeProtocol(toProtocolInput(network?.proto)), (error) => {
    const problem = firstProblem(error)
    return { message: problem.message, path: [...path, "proto", ...problem.path.map((key) => snake(String(key)))] }
  })

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
