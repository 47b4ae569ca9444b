/**
 * How a topic behaves: one plain value with every option, complete and checked. It comes from code ({@link make}, given only
 * what differs from the defaults) or from any Effect ConfigProvider ({@link config}).
 */
import { Config, Effect, Formatter, Option, Schema, SchemaIssue } from "effect"
import type { ConfigOption, InputOf, ValueOf } from "./option.ts"
import { options } from "./options.ts"

type Table = typeof options

/** Every option with its value. Durations are Effect Durations. */
export type TopicConfig = {
  readonly [G in keyof Table]: { readonly [K in keyof Table[G]]: ValueOf<Table[G][K]> }
}

/** What {@link make} takes: the options that differ from the defaults. A TopicConfig is one. */
export type TopicConfigInput = {
  readonly [G in keyof Table]?: { readonly [K in keyof Table[G]]?: InputOf<Table[G][K]> | undefined } | undefined
}

/** One thing that is wrong with a configuration. */
export interface TopicConfigIssue {
  /** The option's path, such as "publisher.baseInterval". */
  readonly option: string
  /** What was given, as it would be shown. */
  readonly value: string
  /** What it may be. */
  readonly expected: string
}

/** The configuration was checked as a whole and these options cannot stand. */
export class TopicConfigError extends Schema.TaggedError<TopicConfigError>()("TopicConfigError", {
  issues: Schema.Array(Schema.Struct({ option: Schema.String, value: Schema.String, expected: Schema.String })),
}) {
  override get message(): string {
    return this.issues.map(({ option, value, expected }) => `${option} is ${value}; expected ${expected}`).join("\n")
  }
}

// The table as data. A loop cannot keep each option's own type; the derived type above holds because the loops below fill
// every group and key with the value of that very option.
type AnyOption = Omit<ConfigOption<unknown, unknown>, "show"> & { readonly show: (value: never) => string }
const groups: ReadonlyArray<
  readonly [group: string, members: ReadonlyArray<readonly [key: string, option: AnyOption]>]
> = Object.entries(options).map(([group, members]) => [group, Object.entries<AnyOption>(members)] as const)

/** All defaults: the reference's wherever it has the option. */
export const defaults: TopicConfig = fill((_group, _key, option) => option.default)

function fill(valueOf: (group: string, key: string, option: AnyOption) => unknown): TopicConfig {
  const config: Record<string, Record<string, unknown>> = {}
  for (const [group, members] of groups) {
    const values: Record<string, unknown> = {}
    for (const [key, option] of members) values[key] = valueOf(group, key, option)
    config[group] = values
  }
  return config as TopicConfig
}

/**
 * The defaults, or another configuration, with these options in their place. Fails with every option that is unknown or
 * whose value cannot be.
 *
 * As in the reference, `bootstrap.maxBootstrapRecords: 0` turns the publisher off.
 */
export const make = (
  input: TopicConfigInput = {},
  base: TopicConfig = defaults,
): Effect.Effect<TopicConfig, TopicConfigError> => {
  const issues = unknownOptions(input)
  const given: Groups = input
  const otherwise: Groups = base
  return finish(issues, (group, key) => {
    const value = given[group]?.[key]
    return value === undefined ? otherwise[group]?.[key] : value
  })
}

type Groups = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>

const finish = (
  issues: Array<TopicConfigIssue>,
  given: (group: string, key: string) => unknown,
): Effect.Effect<TopicConfig, TopicConfigError> => {
  const config = fill((group, key, option) => {
    const value = given(group, key)
    if (value === undefined) return option.default
    const parsed = option.parse(value)
    if (parsed === undefined) {
      issues.push({ option: `${group}.${key}`, value: showInput(value), expected: option.expected })
    }
    return parsed
  })
  if (issues.length > 0) return Effect.fail(new TopicConfigError({ issues }))
  if (config.bootstrap.maxBootstrapRecords > 0 || !config.publisher.enabled) return Effect.succeed(config)
  return Effect.succeed({ ...config, publisher: { ...config.publisher, enabled: false } })
}

const unknownOptions = (input: object): Array<TopicConfigIssue> => {
  const issues: Array<TopicConfigIssue> = []
  const known = new Map(groups.map(([group, members]) => [group, members.map(([key]) => key)]))
  for (const [group, members] of Object.entries(input)) {
    const keys = known.get(group)
    if (keys === undefined) {
      issues.push({ option: group, value: "no option", expected: `one of ${[...known.keys()].join(", ")}` })
    } else if (members !== undefined && (typeof members !== "object" || members === null || Array.isArray(members))) {
      issues.push({ option: group, value: showInput(members), expected: "an object of options" })
    } else {
      for (const key of Object.keys(members ?? {})) {
        if (keys.includes(key)) continue
        issues.push({ option: `${group}.${key}`, value: "no option", expected: `one of ${keys.join(", ")}` })
      }
    }
  }
  return issues
}

/** What a file has under topicTracker that is no group and no option. Names as the environment has them are read one by one. */
const unknownInTree = (tree: Tree): Array<TopicConfigIssue> => {
  if (typeof tree === "string" || Array.isArray(tree)) {
    return [{ option: "topicTracker", value: showInput(tree), expected: "an object of groups of options" }]
  }
  return unknownOptions(Object.fromEntries(Object.entries(tree).filter(([name]) => !/^[A-Z0-9_]+$/.test(name))))
}

const showInput = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value) : typeof value === "bigint" ? `${value}n` : Formatter.format(value)

/** The environment variable of an option: `publisher.baseInterval` is `TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL`. */
export const environmentName = (group: string, key: string): string =>
  ["topicTracker", group, key].map((name) => name.replace(/[A-Z]/g, "_$&").toUpperCase()).join("_")

const Text = Schema.Union([Schema.String, Schema.Array(Schema.String)])

type Tree = string | ReadonlyArray<Tree> | { readonly [name: string]: Tree }

/** Whatever a file can have in an option's place: what must not be there is to be told, not to be passed over. */
const Tree: Schema.Codec<Tree> = Schema.Union([
  Schema.String,
  Schema.Array(Schema.suspend(() => Tree)),
  Schema.Record(
    Schema.String,
    Schema.suspend(() => Tree),
  ),
])

/**
 * Reads the configuration from the current ConfigProvider: each option from its {@link environmentName}, else from the path
 * topicTracker / group / option (a JSON file, a Map). What is not there keeps its default. The ConfigError's message names
 * every option that cannot be read, as {@link TopicConfigError}'s does.
 */
export const config: Config.Config<TopicConfig> = Config.all([
  Config.option(Config.schema(Tree, "topicTracker")),
  Config.all(
    groups.flatMap(([group, members]) =>
      members.map(([key]) =>
        Config.schema(Text, environmentName(group, key)).pipe(
          Config.orElse(() => Config.schema(Tree, ["topicTracker", group, key])),
          Config.option,
          Config.map((text) => [`${group}.${key}`, Option.getOrUndefined(text)] as const),
        ),
      ),
    ),
  ),
]).pipe(
  Config.mapEffect(([tree, entries]) => {
    const given = new Map(entries)
    const issues = Option.match(tree, { onNone: () => [], onSome: unknownInTree })
    return finish(issues, (group, key) => given.get(`${group}.${key}`)).pipe(
      Effect.mapError(
        ({ message }) => new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.InvalidValue({ message }))),
      ),
    )
  }),
)
