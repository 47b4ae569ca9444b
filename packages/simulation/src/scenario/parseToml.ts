/** Every scenario file is read here: TOML, with the line of the first syntax error in the message. */
import { Result } from "effect"
import { parse, TomlError } from "smol-toml"
import { ConfigError } from "./ConfigError.ts"

/** The parsed document. `name` is the file's name for messages. Integers above 2^53 become bigints. */
export const parseToml = (text: string, name: string): Result.Result<unknown, ConfigError> => {
  try {
    return Result.succeed(parse(text, { integersAsBigInt: "asNeeded" }))
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const reason = cause.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "")
    return Result.fail(new ConfigError({ message: `${name}:${cause.line}: not TOML: ${reason}` }))
  }
}
