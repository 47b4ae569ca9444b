/**
 * The error of every scenario file: one line with the file's name, the line number and the key, such as
 * `crash.toml:12: scenario[0].crash.at: is not before the end of the scenario's duration`.
 */
import { Schema, SchemaIssue } from "effect"
import { formatPath, locate } from "./locate.ts"

export type Path = ReadonlyArray<PropertyKey>

/** The problem with one key of a file. An empty path means the file as a whole. */
export interface Problem {
  readonly path: Path
  readonly message: string
}

/** A scenario file is missing or invalid. The message is one line and names the file, the line and the key. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", { message: Schema.String }) {}

/** The error for a problem in the file `name` with this text. */
export const configError = (text: string, name: string, { message, path }: Problem): ConfigError => {
  const line = locate(text, path)
  const where = `${name}${line === undefined ? "" : `:${line}`}`
  return new ConfigError({ message: `${where}: ${path.length === 0 ? "" : `${formatPath(path)}: `}${message}` })
}

/** A check's message for a value that is not of the expected kind. */
export const isNot = (value: unknown, expected: string): string =>
  `${typeof value === "string" ? JSON.stringify(value) : String(value)} is not ${expected}`

/** The first problem that a schema found. */
export const firstProblem = (error: Schema.SchemaError | SchemaIssue.Issue): Problem => {
  const { issues } = formatIssue(
    "issue" in error && "_tag" in error && error._tag === "SchemaError" ? error.issue : (error as SchemaIssue.Issue),
  )
  const { message, path } = issues[0]!
  return {
    message: message.replaceAll(/\s*\n\s*/g, " "),
    path: (path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment)),
  }
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    if (issue._tag === "UnexpectedKey") return "no such key here"
    if (issue._tag === "MissingKey") return "is missing"
    return SchemaIssue.defaultLeafHook(issue)
  },
})
