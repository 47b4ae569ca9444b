/**
 * The configuration of a node and its topics: one plain value with every option, complete and checked. It comes from code
 * ({@link make}, with the options that differ from the defaults) and from any ConfigProvider ({@link config}), one over the other
 * ({@link merge}). schema.ts has the options and describes their way from source to use.
 */
import { Config, Effect, Equal, Predicate, Result } from "effect"
import { check } from "./check.ts"
import { given } from "./environment.ts"
import { options, valueIn } from "./options.ts"
import { showInput, TopicConfigError } from "./TopicConfigError.ts"
import type { TopicConfig, TopicConfigInput } from "./types.ts"

export { TopicConfigError, type TopicConfigIssue } from "./TopicConfigError.ts"
export type * from "./types.ts"

/**
 * All defaults: those of the crate wherever it has the option.
 *
 * @since 0.1.0
 * @category operations
 */
export const defaults: TopicConfig = Result.getOrThrow(check({}))

/**
 * The defaults, or `base`, with these options in their place. Fails with every option that is unknown or has an invalid value.
 *
 * As in the crate, `bootstrap.maxBootstrapRecords: 0` turns the publisher off.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * const config = TopicConfig.make({ publisher: { baseInterval: "20 seconds" }, dht: { bootstrap: ["127.0.0.1:6881"] } })
 * ```
 */
export const make = (
  input: TopicConfigInput = {},
  base: TopicConfigInput = defaults,
): Effect.Effect<TopicConfig, TopicConfigError> => {
  const checked = check(merge(base, input))
  if (Result.isFailure(checked)) return Effect.fail(new TopicConfigError({ issues: checked.failure }))
  const config = checked.success
  if (config.bootstrap.maxBootstrapRecords > 0 || !config.publisher.enabled) return Effect.succeed(config)
  return Effect.succeed({ ...config, publisher: { ...config.publisher, enabled: false } })
}

/**
 * {@link make} for one topic of a node. Fails also when an option that belongs to the node differs from the node's: a topic
 * cannot have a socket, DHT nodes or relays of its own.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeForTopic = (
  input: TopicConfigInput,
  node: TopicConfig,
): Effect.Effect<TopicConfig, TopicConfigError> =>
  Effect.flatMap(make(input, node), (config) => {
    const issues = options.flatMap((option) => {
      const [value, ofNode] = [valueIn(config, option), valueIn(node, option)]
      if (option.belongsTo === "topic" || Equal.equals(value, ofNode)) return []
      const expected = `${showInput(ofNode)}, as the node has it; give it to the TopicTracker's layer`
      return [{ option: option.path, value: showInput(valueIn(input, option)), expected }]
    })
    return issues.length === 0 ? Effect.succeed(config) : Effect.fail(new TopicConfigError({ issues }))
  })

/**
 * One input over another, option by option. Names that are no options stay, for {@link make} to report.
 *
 * @since 0.1.0
 * @category operations
 */
export const merge = (lower: TopicConfigInput, upper: TopicConfigInput): TopicConfigInput => {
  const merged: Record<string, unknown> = { ...lower }
  for (const [name, value] of Object.entries<unknown>({ ...upper })) {
    const below = merged[name]
    if (value === undefined) continue
    merged[name] = Predicate.isObject(value) && Predicate.isObject(below) ? mergeGroup(below, value) : value
  }
  return merged
}

const mergeGroup = (below: object, above: object): object => ({
  ...below,
  ...Object.fromEntries(Object.entries(above).filter(([, value]) => value !== undefined)),
})

/**
 * The options that the current ConfigProvider sets, checked, for {@link merge}. The ConfigError's message names every invalid
 * option and every unknown name.
 *
 * @since 0.1.0
 * @category operations
 */
export const input: Config.Config<TopicConfigInput> = given

/**
 * The configuration from the current ConfigProvider over the defaults. The variable of `dht.port` is
 * TOPIC_TRACKER_DHT_PORT; a file has the options' own names in a tree under `topicTracker`.
 *
 * @since 0.1.0
 * @category operations
 */
export const config: Config.Config<TopicConfig> = Config.mapEffect(input, (input) => Effect.orDie(make(input)))
