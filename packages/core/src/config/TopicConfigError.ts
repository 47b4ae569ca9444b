/** The error of an invalid configuration. It lists every invalid or unknown option with the expected values. */
import { Formatter, Schema } from "effect"

/**
 * One invalid or unknown option of a configuration.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicConfigIssue {
  /** The option's path, such as "publisher.baseInterval", or the name of an unknown environment variable. */
  readonly option: string
  /** The given value as text, or "no option". */
  readonly value: string
  /** The allowed values. */
  readonly expected: string
}

/**
 * A configuration has invalid or unknown options.
 *
 * @since 0.1.0
 * @category errors
 */
export class TopicConfigError extends Schema.TaggedError<TopicConfigError>()("TopicConfigError", {
  issues: Schema.Array(Schema.Struct({ option: Schema.String, value: Schema.String, expected: Schema.String })),
}) {
  override get message(): string {
    return this.issues.map(({ option, value, expected }) => `${option} is ${value}; expected ${expected}`).join("\n")
  }
}

/** A value as a message shows it. */
export const showInput = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value) : typeof value === "bigint" ? `${value}n` : Formatter.format(value)
