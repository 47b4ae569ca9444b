/** The options as data and as Markdown, for documentation and for the help of programs. */
import { options } from "./options.ts"

/**
 * One option as documentation shows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface OptionDescription {
  /** Its path in the configuration, such as "publisher.baseInterval". */
  readonly option: string
  readonly environment: string
  /** The default with its unit. */
  readonly default: string
  /** The allowed values, in a few words. */
  readonly allowed: string
  readonly description: string
  /** Whether this library has it and the crate does not. */
  readonly isOurs: boolean
  /** "node": the same for all topics of a node. "topic": each join may differ. */
  readonly belongsTo: "node" | "topic"
}

/**
 * Every option, in the order of the documentation.
 *
 * @since 0.1.0
 * @category operations
 */
export const describe = (): ReadonlyArray<OptionDescription> =>
  options.map(({ path, environment, defaultText, allowed, description, isOurs, belongsTo }) => ({
    option: path,
    environment,
    default: defaultText,
    allowed,
    description,
    isOurs,
    belongsTo,
  }))

/**
 * A Markdown table of options, one row each. It ends without a line feed.
 *
 * @since 0.1.0
 * @category operations
 */
export const markdownTable = (rows: ReadonlyArray<OptionDescription> = describe()): string => {
  const cells = rows.map((row) => [
    `\`${row.option}\`${row.isOurs ? " \\*" : ""}`,
    row.default,
    row.allowed,
    row.description,
    `\`${row.environment}\``,
  ])
  const lines = [
    ["Option", "Default", "Allowed", "What it does", "Environment variable"],
    Array(5).fill("---"),
    ...cells,
  ]
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n")
}
