/**
 * A topic's secret on the command line: `--secret-file PATH`, the environment variable TOPIC_TRACKER_SECRET, or `--secret TEXT`,
 * exactly one of them; without them a command at a terminal asks for it. The secret appears in no output and no log. Other users of a machine can see the arguments of a process,
 * so the file or the environment is the better choice.
 */
import { Config, Effect, FileSystem, Option, Redacted } from "effect"
import { Flag, Prompt } from "effect/cli"
import { UsageError } from "./errors.ts"

/** The environment variable of the secret. */
export const SECRET_VARIABLE = "TOPIC_TRACKER_SECRET"

/** No secret is longer; a larger file is probably the wrong file. */
const MAX_SECRET_FILE_BYTES = 65_536

/** The options `--secret` and `--secret-file`. Pass their values to {@link readSecret}. */
export const secretFlags = (description: string) => ({
  secret: Flag.Redacted("secret").pipe(
    Flag.filter(
      (value) => Redacted.value(value).length > 0,
      () => "a text of at least one character",
    ),
    Flag.withDescription(`${description}; other users of this machine can see it, so prefer --secret-file`),
    Flag.optional,
  ),
  secretFile: Flag.String("secret-file").pipe(
    Flag.withMetavar("path"),
    Flag.withDescription(
      `A file with the secret (- for standard input); a line break at its end is removed. Or set ${SECRET_VARIABLE}`,
    ),
    Flag.optional,
  ),
})

export interface GivenSecret {
  readonly secret: Option.Option<Redacted.Redacted<string>>
  readonly secretFile: Option.Option<string>
}

/** The options and the variable that give a secret. */
export const givenSecrets = (given: GivenSecret): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(environmentSecret, (fromEnvironment) => [
    ...(Option.isSome(given.secret) ? ["--secret"] : []),
    ...(Option.isSome(given.secretFile) ? ["--secret-file"] : []),
    ...(Option.isSome(fromEnvironment) ? [SECRET_VARIABLE] : []),
  ])

/** The one secret of the options and the environment, or the default. Fails if there is none, or more than one. */
export const readSecret = Effect.fnUntraced(function* (
  given: GivenSecret,
  fallback?: Redacted.Redacted<string>,
): Effect.fn.Return<Redacted.Redacted<string>, UsageError, Prompt.Environment> {
  const names = yield* givenSecrets(given)
  if (names.length > 1) {
    return yield* new UsageError({
      message: `the secret is given more than once, by ${names.join(" and ")}; give it once`,
    })
  }
  if (Option.isSome(given.secret)) return given.secret.value
  const fromEnvironment = yield* environmentSecret
  if (Option.isSome(fromEnvironment)) return fromEnvironment.value
  if (Option.isSome(given.secretFile)) return yield* readSecretFile(given.secretFile.value)
  if (fallback !== undefined) return fallback
  if (process.stdin.isTTY && process.stdout.isTTY) return yield* askSecret
  return yield* new UsageError({
    message: `the secret is missing: give --secret-file PATH, or set ${SECRET_VARIABLE}, or give --secret TEXT`,
  })
})

/** Asks for the secret at the terminal and does not show what is typed. */
const askSecret = Prompt.run(
  Prompt.Hidden({
    message: "The secret of the topic",
    validate: (text) => (text === "" ? Effect.fail("a secret has at least one character") : Effect.succeed(text)),
  }),
).pipe(Effect.catchTag("QuitError", () => Effect.interrupt))

/** An empty variable counts as not set. */
const environmentSecret = Config.option(Config.Redacted(SECRET_VARIABLE)).pipe(
  Effect.map(Option.filter((secret) => Redacted.value(secret) !== "")),
  Effect.orElseSucceed(() => Option.none<Redacted.Redacted<string>>()),
)

const readSecretFile = Effect.fnUntraced(function* (path: string) {
  const refuse = (reason: string) => new UsageError({ message: `--secret-file: ${path}: ${reason}` })
  const bytes = yield* path === "-"
    ? Effect.mapError(readStandardInput, () => refuse("standard input cannot be read"))
    : Effect.flatMap(FileSystem.FileSystem, (files) => files.readFile(path)).pipe(
        Effect.mapError((error) => refuse(error.reason._tag === "NotFound" ? "no such file" : error.message)),
      )
  if (bytes.length > MAX_SECRET_FILE_BYTES) return yield* refuse(`is larger than ${MAX_SECRET_FILE_BYTES} bytes`)
  const text = yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: () => refuse("is not UTF-8"),
  })
  const secret = text.replace(/\r?\n$/, "")
  if (secret === "") return yield* refuse("is empty; a secret has at least one character")
  return Redacted.make(secret)
})

/** All of standard input, or its first 64 KiB and a little more. */
export const readStandardInput = Effect.tryPromise(async () => {
  const chunks: Array<Uint8Array> = []
  let length = 0
  for await (const chunk of process.stdin) {
    const bytes: Uint8Array = chunk
    chunks.push(bytes)
    length += bytes.length
    if (length > MAX_SECRET_FILE_BYTES) break
  }
  return new Uint8Array(Buffer.concat(chunks))
})
