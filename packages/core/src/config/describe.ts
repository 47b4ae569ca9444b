/**
 * The options of a topic as data and as a Markdown table, for documentation and for the help of programs.
 */
import { options } from "./options.ts"
import { environmentName } from "./TopicConfig.ts"

export interface OptionDescription {
  /** Its path in the configuration, such as "publisher.baseInterval". */
  readonly option: string
  readonly environment: string
  /** The default with its unit. */
  readonly default: string
  /** What the value may be, in a few words. */
  readonly range: string
  readonly about: string
}

interface Shown {
  readonly default: unknown
  readonly range: string
  readonly about: string
  readonly show: (value: never) => string
}

/** Every option, in the order of the table. */
export const describe = (): ReadonlyArray<OptionDescription> =>
  Object.entries(options).flatMap(([group, members]) =>
    Object.entries<Shown>(members).map(([key, option]) => ({
      option: `${group}.${key}`,
      environment: environmentName(group, key),
      // Each option shows its own default, whose type is lost in the loop.
      default: option.show(option.default as never),
      range: option.range,
      about: option.about,
    })),
  )

/** The table of all options, one row each; it ends without a line feed. */
export const markdownTable = (): string => {
  const rows = describe().map((row) => [
    `\`${row.option}\``,
    row.default,
    row.range,
    row.about,
    `\`${row.environment}\``,
  ])
  const lines = [["Option", "Default", "May be", "What it does", "Environment variable"], Array(5).fill("---"), ...rows]
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}
