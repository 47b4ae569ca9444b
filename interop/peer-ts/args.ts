/** The command line: one command, then `--name value` pairs. An invalid one is a mistake in a test, so it throws. */
import { Bytes } from "@topic-tracker/common"
import { TopicId } from "@topic-tracker/crypto"

/** A parsed command line. */
export interface Args {
  readonly command: string
  readonly optional: (name: string) => string | undefined
  readonly required: (name: string) => string
  readonly number: (name: string) => number | undefined
  /** Bytes given in hex. */
  readonly bytes: (name: string) => Uint8Array | undefined
}

/** Parses the words after the program. */
export const parseArgs = (words: ReadonlyArray<string>): Args => {
  const [command = "help", ...rest] = words
  const options = new Map<string, string>()
  for (let i = 0; i < rest.length; i += 2) {
    const [name, value] = [rest[i], rest[i + 1]]
    if (name === undefined || !name.startsWith("--") || value === undefined)
      throw new Error(`${name}: not --name value`)
    options.set(name.slice(2), value)
  }
  const optional = (name: string) => options.get(name)
  const required = (name: string) => {
    const value = options.get(name)
    if (value === undefined) throw new Error(`--${name} is missing`)
    return value
  }
  return {
    command,
    optional,
    required,
    number: (name) => (options.has(name) ? Number(required(name)) : undefined),
    bytes: (name) => (options.has(name) ? Bytes.fromHex(required(name)) : undefined),
  }
}

/** `--topic NAME`. */
export const topicOf = (args: Args): TopicId => TopicId.fromName(args.required("topic"))

/** `--bootstrap HOST:PORT,…` */
export const bootstrapOf = (args: Args) =>
  (args.optional("bootstrap") ?? "").split(",").flatMap((node) => {
    const [host, port] = node.split(":")
    return host === undefined || host === "" || port === undefined ? [] : [{ host, port: Number(port) }]
  })

/** `ID` or `ID@IP:port`. */
export const contactOf = (text: string): { readonly id: string; readonly address: string | undefined } => {
  const [id = "", address] = text.split("@")
  return { id, address }
}
