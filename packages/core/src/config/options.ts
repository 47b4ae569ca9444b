/**
 * The options of schema.ts as a flat list, one entry each, with its annotations from the schema. It knows no source of
 * values.
 */
import { Predicate, type Result, Schema } from "effect"
import { Options } from "./schema.ts"
import type { Notes } from "./values.ts"

/** One option. */
export interface Option extends Notes {
  /** Undefined for an option outside all groups. */
  readonly group: string | undefined
  readonly key: string
  /** Such as "publisher.baseInterval". */
  readonly path: string
  /** Its variable in the environment, such as TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL. */
  readonly environment: string
  readonly description: string
  /** Whether the crate distributed-topic-tracker has it. */
  readonly isOurs: boolean
  readonly belongsTo: "node" | "topic"
  readonly default: unknown
  /** The checked value; undefined stands for the default. Fails when the value is not allowed. */
  readonly decode: (input: unknown) => Result.Result<unknown, unknown>
}

/** The first part of every variable. */
export const ENVIRONMENT_PREFIX = "TOPIC_TRACKER"

/**
 * The environment variable of an option: `publisher.baseInterval` is `TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL`.
 *
 * @since 0.1.0
 * @category operations
 */
export const environmentName = (path: string): string =>
  `${ENVIRONMENT_PREFIX}_${path.replaceAll(".", "_").replaceAll(/[A-Z]/g, "_$&").toUpperCase()}`

const NOTES = ["expected", "allowed", "defaultText", "valueType", "inputType", "description"] as const

const optionOf = (group: string | undefined, key: string, field: Schema.Codec<unknown, unknown>): Option => {
  const path = group === undefined ? key : `${group}.${key}`
  const annotations = Schema.resolveAnnotations(field) ?? {}
  const texts = Object.fromEntries(NOTES.map((name) => [name, String(annotations[name])]))
  // Compiled at its first use: a program gives few options.
  let decode: Option["decode"] | undefined
  return {
    // Made of NOTES, which has every key of Notes and the description.
    ...(texts as unknown as Record<(typeof NOTES)[number], string>),
    group,
    key,
    path,
    environment: environmentName(path),
    isOurs: annotations.origin === "ours",
    belongsTo: annotations.belongsTo === "node" ? "node" : "topic",
    default: annotations.default,
    decode: (input) => {
      decode ??= Schema.decodeUnknownResult(field)
      return decode(input)
    },
  }
}

/** Every option, in the order of the schema. */
export const options: ReadonlyArray<Option> = Object.entries(Options.fields).flatMap(([name, field]) =>
  "fields" in field
    ? Object.entries(field.fields).map(([key, member]) => optionOf(name, key, member))
    : [optionOf(undefined, name, field)],
)

/** The names at the top level: groups, and options outside all groups. */
export const topLevelNames: ReadonlyArray<string> = Object.keys(Options.fields)

/** The keys of a group; undefined if there is no such group. */
export const keysOf = (group: string): ReadonlyArray<string> | undefined => {
  const keys = options.filter((option) => option.group === group).map(({ key }) => key)
  return keys.length === 0 ? undefined : keys
}

/**
 * The value that a configuration has for an option; undefined when it has none. The configuration need not be checked: it
 * comes from code or from a ConfigProvider.
 */
export const valueIn = (input: object, { group, key }: Pick<Option, "group" | "key">): unknown => {
  if (group === undefined) return Reflect.get(input, key)
  const members: unknown = Reflect.get(input, group)
  return Predicate.isObject(members) ? members[key] : undefined
}

/** A tree with one value for each option. */
export const treeOf = (valueOf: (option: Option) => unknown): object => {
  const tree: Record<string, unknown> = {}
  const groups = new Map<string, Record<string, unknown>>()
  for (const option of options) {
    const { group, key } = option
    if (group === undefined) {
      tree[key] = valueOf(option)
      continue
    }
    let members = groups.get(group)
    if (members === undefined) {
      members = {}
      groups.set(group, members)
      tree[group] = members
    }
    members[key] = valueOf(option)
  }
  return tree
}
