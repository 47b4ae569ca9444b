/** Reads files of whole-topic scenarios (`scenarios/*.toml`), each scenario with its variants. */
import { Result, Schema } from "effect"
import { type ConfigError, configError, firstProblem, type Problem } from "./ConfigError.ts"
import { integer, Seeds } from "./fields.ts"
import { parseToml } from "./parseToml.ts"
import type { TopicScenario, Variant } from "./TopicScenario.ts"
import { TopicScenarioTable } from "./topicTables.ts"
import { toTopicScenario } from "./toTopicScenario.ts"
import { type Table, variantsOf, withVariant } from "./variants.ts"

/** The contents of a file: each scenario runs once with each seed. */
export interface TopicScenarioFile {
  readonly seeds: ReadonlyArray<bigint>
  /** The first seeds of the file: with these a scenario also runs over real packets if that is requested. */
  readonly socketSeeds: ReadonlyArray<bigint>
  readonly scenarios: ReadonlyArray<TopicScenario>
}

const File = Schema.Struct({
  seeds: Seeds,
  /** The number of seeds that are used over real packets. Default: all. */
  socket_seeds: Schema.optionalKey(integer(1, 1_000)),
  // Each scenario is checked on its own, once its variants are known.
  scenario: Schema.NonEmptyArray(Schema.Record(Schema.String, Schema.Unknown)),
})
const decodeFile = Schema.decodeUnknownResult(File, { errors: "first", onExcessProperty: "error" })
const decodeScenario = Schema.decodeUnknownResult(TopicScenarioTable, { errors: "first", onExcessProperty: "error" })

/** Whether a file is of whole topics: its scenarios have `sim = "Topics"`. */
export const isTopics = (text: string): boolean => /^\s*sim\s*=\s*["']Topics["']/m.test(text)

/** The scenarios of a file's text, or the first error in it. `name` is the file's name for messages. */
export const readTopicScenarios = (text: string, name: string): Result.Result<TopicScenarioFile, ConfigError> =>
  Result.flatMap(parseToml(text, name), (toml) =>
    Result.mapError(fileOf(toml), (problem) => configError(text, name, problem)),
  )

const fileOf = (toml: unknown): Result.Result<TopicScenarioFile, Problem> =>
  Result.gen(function* () {
    const { scenario, seeds: given, socket_seeds } = yield* Result.mapError(decodeFile(toml), firstProblem)
    const scenarios: Array<TopicScenario> = []
    for (const [i, { vary, ...table }] of scenario.entries()) {
      for (const variant of yield* variantsOf(vary, i)) {
        scenarios.push(yield* Result.mapError(scenarioOf(table, variant), inScenario(i, variant)))
      }
    }
    const seeds = given.map(BigInt)
    return { seeds, socketSeeds: seeds.slice(0, socket_seeds), scenarios }
  })

/** One scenario of a file, with the values of a variant. */
export const scenarioOf = (table: Table, variant: Variant): Result.Result<TopicScenario, Problem> =>
  Result.flatMap(Result.mapError(decodeScenario(withVariant(table, variant)), firstProblem), (decoded) =>
    toTopicScenario(decoded, variant),
  )

/** A problem of a varied value is at its key in the table `vary`. */
const inScenario =
  (i: number, variant: Variant) =>
  ({ message, path }: Problem): Problem => {
    const varied = Object.keys(variant).find((key) => key === path.join("."))
    return { message, path: ["scenario", i, ...(varied === undefined ? path : ["vary", varied])] }
  }
