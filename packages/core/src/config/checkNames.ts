/** Checks the names of options that are no part of the configuration, such as those of a layer. */
import { Effect } from "effect"
import { TopicConfigError } from "./TopicConfigError.ts"

/** Fails with every name of `given` that is none of `known`. */
export const checkNames = (given: object, known: ReadonlyArray<string>): Effect.Effect<void, TopicConfigError> => {
  const issues = Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((option) => ({ option, value: "no option", expected: `one of ${known.join(", ")}` }))
  return issues.length === 0 ? Effect.void : Effect.fail(new TopicConfigError({ issues }))
}
