/**
 * `--identity-file PATH`: the key of a node in a file, so that its endpoint id is the same at each start. The file has the seed as 64 hex digits,
 * as the environment variable of `Identity.layerConfig`; only its owner may read it. The seed appears in no output and no log.
 */
import { fromHex, toHex } from "@topic-tracker/common/Bytes"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, FileSystem, Option, Redacted } from "effect"
import { Flag } from "effect/cli"
import { UsageError } from "./errors.ts"

/** The option `--identity-file`. Pass its value to `trackerLayer`. */
export const identityFileFlag: Flag.Flag<Option.Option<string>> = Flag.String("identity-file").pipe(
  Flag.filter(
    (path) => path !== "",
    () => "a path",
  ),
  Flag.withMetavar("path"),
  Flag.withDescription(
    "A file with this node's key, so that its id is the same at each start; it is made if it is not there. Two running nodes must not share one",
  ),
  Flag.optional,
)

const SEED_BYTES = 32
/** Enough for the digits and a line break; the rest of a file is not looked at. */
const MOST_BYTES = 1_024

/** The seed in the file; a new one, written there, if there is no file. */
export const readIdentityFile = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const refuse = (reason: string) => new UsageError({ message: `--identity-file: ${path}: ${reason}` })
  const found = yield* files.readFile(path).pipe(
    Effect.asSome,
    Effect.catch((error) =>
      error.reason._tag === "NotFound" ? Effect.succeedNone : Effect.fail(refuse(error.message)),
    ),
  )
  if (Option.isSome(found)) {
    const text = new TextDecoder().decode(found.value.subarray(0, MOST_BYTES)).trim()
    if (/^[0-9a-fA-F]{64}$/.test(text)) return Redacted.make(fromHex(text), { label: "identitySeed" })
    return yield* refuse("has no key: it must have 64 hex digits; a path that does not exist gets a new one")
  }
  const seed = yield* Effect.provide(
    Effect.flatMap(Crypto, (crypto) => crypto.randomBytes(SEED_BYTES)),
    Crypto.layer(),
  )
  yield* files
    .writeFileString(path, `${toHex(seed)}\n`, { flag: "wx", mode: 0o600 })
    .pipe(
      Effect.mapError((error) =>
        refuse(error.reason._tag === "NotFound" ? "its folder does not exist" : error.message),
      ),
    )
  return Redacted.make(seed, { label: "identitySeed" })
})
