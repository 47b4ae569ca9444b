/** `[scenario.topic]`: options of topics in snake case, such as `[scenario.topic.bubble_merge] enabled = false`. */
import { TopicConfig } from "@topic-tracker/core"
import { Effect, Result } from "effect"
import type { Problem } from "./ConfigError.ts"
import { parseMillis } from "./duration.ts"
import type { Table } from "./variants.ts"

/** The options as core takes them, checked by core. */
export const topicOptionsOf = (table: Table | undefined): Result.Result<TopicConfig.TopicConfigInput, Problem> => {
  const input: Record<string, unknown> = {}
  for (const [group, members] of Object.entries(table ?? {})) {
    if (group === "profile") {
      input[group] = members
      continue
    }
    const isTable = typeof members === "object" && members !== null
    if (!isTable) return Result.fail({ path: ["topic", group], message: "is not a table of options" })
    input[camel(group)] = Object.fromEntries(
      Object.entries(members).map(([key, value]) => [camel(key), optionValue(value)]),
    )
  }
  return Effect.runSync(Effect.result(TopicConfig.make(input))).pipe(
    Result.map(() => input),
    Result.mapError(({ issues }) => {
      const { expected, option, value } = issues[0]!
      return { path: ["topic", ...option.split(".").map(snake)], message: `is ${value}; expected ${expected}` }
    }),
  )
}

/** Durations are written as everywhere in scenario files. */
const optionValue = (value: unknown): unknown => {
  const millis = typeof value === "string" ? parseMillis(value) : undefined
  return millis === undefined ? value : `${millis} millis`
}

const camel = (key: string): string => key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const snake = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
