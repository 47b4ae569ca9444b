/**
 * `[scenario.vary]`: keys (dotted, relative to the scenario) with lists of values, all of one length. The first values of all
 * lists give the first variant of the scenario, the second values the second, and so on.
 */
import { Result } from "effect"
import type { Problem } from "./ConfigError.ts"
import type { Variant } from "./TopicScenario.ts"

export type Table = Readonly<Record<string, unknown>>

/** The variants of scenario number `i`: one without values if there is no `vary` table. */
export const variantsOf = (vary: unknown, i: number): Result.Result<ReadonlyArray<Variant>, Problem> => {
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

/** Dotted keys and nested tables mean the same. */
const flatten = (table: Table, prefix = ""): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(table).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? flatten(value as Table, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value] as const],
  )

/** The scenario's table with the variant's values. */
export const withVariant = (table: Table, variant: Variant): Table => {
  let result = table
  for (const [key, value] of Object.entries(variant)) result = withValue(result, key.split("."), value)
  return result
}

const withValue = (table: Table, [key, ...rest]: ReadonlyArray<string>, value: unknown): Table => {
  const inner = table[key!]
  if (rest.length === 0) return { ...table, [key!]: value }
  // `partition.0.groups`: the first table of an array.
  if (Array.isArray(inner)) {
    const [place, ...path] = rest
    const changed = inner.map((each, i) => (String(i) === place ? withValue(each, path, value) : each))
    return { ...table, [key!]: changed }
  }
  const isTable = typeof inner === "object" && inner !== null
  return { ...table, [key!]: withValue(isTable ? (inner as Table) : {}, rest, value) }
}

/** The part of a variant that names the scenario: neither its expectations nor its duration. */
export const namingPart = (variant: Variant): Variant =>
  Object.fromEntries(Object.entries(variant).filter(([key]) => !key.startsWith("expect.") && key !== "duration"))
