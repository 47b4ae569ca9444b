/** The errors of effect/cli's parser, each as one line that names the argument and states what it may be. */
import { Option } from "effect"
import { CliError, type HelpDoc } from "effect/cli"

/** `help` describes the command whose arguments were parsed. */
export const oneLine = (error: CliError.CliError, help: HelpDoc.HelpDoc): string => {
  const missing = (what: string, option: string): string => {
    const flag = help.flags.find(({ name }) => name === option)
    const description = flag === undefined ? Option.none() : flag.description
    return Option.isNone(description) ? `${what} is missing` : `${what} is missing: ${description.value}`
  }
  if (error instanceof CliError.MissingOption) return missing(`--${error.option}`, error.option)
  if (error instanceof CliError.MissingArgument) {
    const description = Option.fromUndefinedOr(help.args?.find(({ name }) => name === error.argument)).pipe(
      Option.flatMap((argument) => argument.description),
    )
    return `${error.argument} is missing${Option.isSome(description) ? `: ${description.value}` : ""}`
  }
  if (error instanceof CliError.UnexpectedArgument) {
    const known = [...(help.args ?? []).map(({ name }) => name), ...help.flags.map(({ name }) => `--${name}`)]
    return `${JSON.stringify(error.arguments[0])} is one argument too many; this command has ${listOf(known)}`
  }
  if (error instanceof CliError.InvalidValue) {
    const expected = error.expected.replace(/^(Schema validation failed: )?(Expected:? )?/, "")
    const name = error.kind === "flag" ? `--${error.option}` : error.option
    if (expected === "at most 1 value") return `${name} is given more than once; it may be given once`
    // An option at the end of the line has the value "", and the parser's expectation is one word. For an empty text that the
    // user gave, the expectation is longer.
    if (error.value === "" && !expected.includes(" ")) return missing(`the value of ${name}`, error.option)
    // A path that does not exist has a message instead of an expectation.
    return expected.startsWith("Path ")
      ? `${name}: ${expected.slice(5)}`
      : `${name}: ${JSON.stringify(error.value)} is not ${expected}`
  }
  if (error instanceof CliError.UnknownSubcommand) {
    const hint =
      error.suggestions.length > 0
        ? `did you mean ${error.suggestions.join(" or ")}?`
        : `there are ${listOf(commandsOf(help))}`
    return `${JSON.stringify(error.subcommand)} is no command; ${hint}`
  }
  if (error instanceof CliError.UnrecognizedOption) {
    const known = help.flags.map((flag) => `--${flag.name}`)
    if (known.length === 0 && commandsOf(help).length > 0) {
      const general = (help.globalFlags ?? []).map((flag) => `--${flag.name}`)
      return `${error.option} is none of ${listOf(general)}; the options of a command stand behind its name`
    }
    return `${error.option} is no option of this command; it has ${listOf(known)}`
  }
  return inOneLine(error.message)
}

const commandsOf = ({ subcommands = [] }: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))

const listOf = (names: ReadonlyArray<string>): string => (names.length === 0 ? "none" : names.join(", "))

/** The text without line breaks. */
export const inOneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, " ")
