/**
 * Checks an input against the options: its names, each value, and values that exclude each other. It knows no source of values
 * and no layer.
 */
import { DhtConfig } from "@topic-tracker/dht"
import { Predicate, Result } from "effect"
import { keysOf, topLevelNames, treeOf, valueIn } from "./options.ts"
import type { Values } from "./schema.ts"
import { showInput, type TopicConfigIssue } from "./TopicConfigError.ts"

/** The checked values of an input, with defaults for what it leaves out; or all its errors. */
export const check = (input: object): Result.Result<Values, ReadonlyArray<TopicConfigIssue>> => {
  const issues = unknownNames(input)
  const tree = treeOf((option) => {
    const value = valueIn(input, option)
    // Most values of an input are untouched defaults. Decoding them all took 1 to 4 ms of the start of a node.
    if (value === undefined || value === option.default) return option.default
    const decoded = option.decode(value)
    if (Result.isSuccess(decoded)) return decoded.success
    issues.push({ option: option.path, value: showInput(value), expected: option.expected })
    return option.default
  })
  // The tree has every option of the schema with the value that the option's own codec gave.
  const values = tree as unknown as Values
  issues.push(...conflicts(values))
  return issues.length === 0 ? Result.succeed(values) : Result.fail(issues)
}

/** The names of an input that are no group and no option. */
export const unknownNames = (input: object): Array<TopicConfigIssue> => {
  const issues: Array<TopicConfigIssue> = []
  for (const [name, members] of Object.entries(input)) {
    const keys = keysOf(name)
    if (!topLevelNames.includes(name)) {
      issues.push({ option: name, value: "no option", expected: `one of ${topLevelNames.join(", ")}` })
    } else if (keys === undefined || members === undefined) {
      // An option outside all groups, or a group without any given option.
    } else if (!Predicate.isObject(members)) {
      issues.push({ option: name, value: showInput(members), expected: "an object of options" })
    } else {
      for (const key of Object.keys(members)) {
        if (keys.includes(key)) continue
        issues.push({ option: `${name}.${key}`, value: "no option", expected: `one of ${keys.join(", ")}` })
      }
    }
  }
  return issues
}

/** Values of which each is allowed, but not all of them together. */
const conflicts = ({ dht }: Values): ReadonlyArray<TopicConfigIssue> => {
  if (!DhtConfig.isLoopbackOnly(dht.bootstrap) || dht.host === "" || dht.host.startsWith("127.")) return []
  return [
    {
      option: "dht.host",
      value: showInput(dht.host),
      expected: 'a loopback address such as "127.0.0.1", because all nodes of dht.bootstrap are on this host',
    },
  ]
}
