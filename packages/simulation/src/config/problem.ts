/** What is wrong with a configuration file, said by line and key. */
import { Result, Schema, SchemaIssue } from "effect"
import { parse, TomlError } from "smol-toml"
import { locate, show } from "./locate.ts"

export type Path = ReadonlyArray<PropertyKey>
export type Problem = { readonly path: Path; readonly message: string }

/** A file that says no simulation. The message is one line and names the file's line and the key. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", { message: Schema.String }) {}

/** The problem with where it stands in the file of this name. */
export const configError = (text: string, name: string, { message, path }: Problem): ConfigError => {
  const line = locate(text, path)
  const where = `${name}${line === undefined ? "" : `:${line}`}`
  return new ConfigError({ message: `${where}: ${path.length === 0 ? "" : `${show(path)}: `}${message}` })
}

/** The text as TOML, or the line at which it is none. */
export const parseToml = (text: string, name: string): Result.Result<unknown, ConfigError> => {
  try {
    return Result.succeed(parse(text, { integersAsBigInt: "asNeeded" }))
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const reason = cause.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "")
    return Result.fail(new ConfigError({ message: `${name}:${cause.line}: not TOML: ${reason}` }))
  }
}

/** A filter's message for a value that is not what is expected. */
export const wrong = (value: unknown, expected: string): string => `${format(value)} is not ${expected}`

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

const format = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : String(value))
