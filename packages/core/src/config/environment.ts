/**
 * Reads options from the current ConfigProvider: each from its variable (TOPIC_TRACKER_DHT_PORT), else from the path
 * topicTracker / group / option (a JSON file, a Map). A name with our prefix that is no option is an error.
 *
 * A ConfigProvider lists the children of a path. That of the environment splits names at "_", so the children of
 * ["TOPIC", "TRACKER"] are the rest of every variable that begins with TOPIC_TRACKER_. Other providers have none there.
 */
import { Config, Effect, Option, Predicate, Schema, SchemaIssue } from "effect"
import { check, unknownNames } from "./check.ts"
import { nearest } from "./nearest.ts"
import { ENVIRONMENT_PREFIX, options, treeOf, valueIn } from "./options.ts"
import { showInput, TopicConfigError, type TopicConfigIssue } from "./TopicConfigError.ts"

/** Text, or a list of which each item has a variable of its own (…_0, …_1). */
const Text = Schema.Union([Schema.String, Schema.Array(Schema.String)])

type Tree = string | ReadonlyArray<Tree> | { readonly [name: string]: Tree }

/** Anything that a file can have in an option's place, so that a wrong shape is reported and not ignored. */
const Tree: Schema.Codec<Tree> = Schema.Union([
  Schema.String,
  Schema.Array(Schema.suspend(() => Tree)),
  Schema.Record(
    Schema.String,
    Schema.suspend(() => Tree),
  ),
])

type Names = string | undefined | { readonly [part: string]: Names }

/** The parts of variables' names. Undefined: the parts below are numbers, which need not be read. */
const Names: Schema.Codec<Names> = Schema.Union([
  Schema.Record(
    Schema.String,
    Schema.suspend(() => Names),
  ),
  Schema.String,
  Schema.Undefined,
])

/** Variables with our prefix that commands read and that are no options. */
const OTHER_VARIABLES = [`${ENVIRONMENT_PREFIX}_SECRET`, `${ENVIRONMENT_PREFIX}_CONFIG`, `${ENVIRONMENT_PREFIX}_CACHE`]

/** Variables that Kubernetes sets in every container when a service has the name "topic-tracker". */
const KUBERNETES = new RegExp(`^${ENVIRONMENT_PREFIX}_(SERVICE_(HOST|PORT)|PORT)(_|$)`)

const variables: ReadonlyArray<string> = options.map(({ environment }) => environment)

/** The beginnings of our variables' names, such as TOPIC_TRACKER_DHT, which a list of children shows without their own value. */
const beginnings: ReadonlyArray<string> = [
  ...new Set(variables.flatMap((name) => name.split("_").map((_, i, parts) => parts.slice(0, i + 1).join("_")))),
].filter((name) => name.startsWith(ENVIRONMENT_PREFIX) && !variables.includes(name))

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  Config.map(Config.option(config), Option.getOrUndefined)

/** Reads the variable by its whole name, else by the parts of the name, under which an environment has the items of a list (…_0, …_1). */
const textOf = (name: string) => Config.orElse(Config.schema(Text, name), () => Config.schema(Text, name.split("_")))

const isSet = (name: string): Config.Config<boolean> =>
  Config.map(optional(Config.schema(Schema.String, name)), (value) => value !== undefined)

/** The options that the current ConfigProvider has, checked. */
export const given: Config.Config<object> = Config.all({
  tree: optional(Config.schema(Tree, "topicTracker")),
  names: optional(Config.schema(Names, ENVIRONMENT_PREFIX.split("_"))),
  beginnings: Config.all(beginnings.map((name) => Config.map(isSet(name), (set) => (set ? [name] : [])))),
  values: Config.all(options.map(({ environment }) => optional(textOf(environment)))),
}).pipe(
  Config.mapEffect(({ beginnings, names, tree, values }) => {
    const issues = [...beginnings.flat(), ...namesOf(names)].flatMap(unknownVariable)
    if (tree !== undefined && !Predicate.isObject(tree)) {
      issues.push({ option: "topicTracker", value: showInput(tree), expected: "an object of groups of options" })
    }
    const file: object = Predicate.isObject(tree) ? tree : {}
    issues.push(...unknownNames(file))
    const byPath = new Map(options.map(({ path }, i) => [path, values[i]]))
    const input = treeOf((option) => byPath.get(option.path) ?? valueIn(file, option))
    const checked = check(input)
    if (checked._tag === "Failure") issues.push(...checked.failure)
    if (issues.length === 0) return Effect.succeed(input)
    const { message } = new TopicConfigError({ issues })
    return Effect.fail(new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.InvalidValue({ message }))))
  }),
)

/** The whole names of all variables below. */
const namesOf = (names: Names, prefix = ENVIRONMENT_PREFIX): ReadonlyArray<string> =>
  Predicate.isObject(names)
    ? Object.entries(names).flatMap(([part, below]) => {
        const name = `${prefix}_${part}`
        return Predicate.isObject(below) ? namesOf(below, name) : [name]
      })
    : []

const unknownVariable = (name: string): ReadonlyArray<TopicConfigIssue> => {
  if (variables.includes(name) || OTHER_VARIABLES.includes(name) || KUBERNETES.test(name)) return []
  const expected = `the variable of an option; the nearest is ${nearest(name, variables)}`
  return [{ option: name, value: "no option", expected }]
}
