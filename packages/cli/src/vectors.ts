/**
 * `npm run -s vectors -- DIR`: checks every case of every JSON file in a folder, on the portable and on the native layer of
 * Crypto wherever keys are involved. The last line is `N passed, N failed`; a case counts once for each layer.
 */

import { CommandFailed, runCommand, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { AddressVectors } from "@topic-tracker/core"
import { Crypto, Vectors } from "@topic-tracker/crypto"
import { checkVectors as checkDhtItems } from "@topic-tracker/dht"
import { Protocol } from "@topic-tracker/gossip"
import { Console, Effect, FileSystem, Path, type Schema } from "effect"
import { Argument, Command } from "effect/cli"

type Check = (
  json: unknown,
) => Effect.Effect<Vectors.VectorReport, Vectors.VectorsMalformed | Schema.SchemaError, Crypto>

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...Vectors.files.map((file): [string, Check] => [file, (json) => Vectors.check(file, json)]),
  ["dht-items.json", checkDhtItems],
  ["pkarr.json", AddressVectors.checkVectors],
  ["gossip-frames.json", Protocol.checkVectors],
])

/** Files that no key is needed for: checked once. */
const keyless = new Set(["gossip-frames.json"])

const layers = { portable: Crypto.layerPortable(), native: Crypto.layer() }

interface VectorFile {
  readonly name: string
  readonly json: unknown
  readonly check: Check
}

const readFile = Effect.fnUntraced(function* (folder: string, name: string) {
  const check = checks.get(name)
  if (check === undefined) {
    const known = [...checks.keys()].join(", ")
    return yield* new UsageError({ message: `DIR: ${name} is no known file of vectors; known are ${known}` })
  }
  const path = (yield* Path.Path).join(folder, name)
  const text = yield* (yield* FileSystem.FileSystem)
    .readFileString(path)
    .pipe(Effect.mapError(({ message }) => new UsageError({ message: `DIR: ${name} cannot be read: ${message}` })))
  const json = yield* Effect.try({
    try: () => Vectors.parseJson(text),
    catch: (error) =>
      new UsageError({ message: `DIR: ${name} is no JSON: ${error instanceof Error ? error.message : error}` }),
  })
  return { name, json, check } satisfies VectorFile
})

const checkFolder = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const names = (yield* fs.readDirectory(folder)).filter((name) => name.endsWith(".json")).sort()
  if (names.length === 0) return yield* new UsageError({ message: `DIR: ${folder} holds no JSON file of vectors` })
  // All of them before the first is checked: nothing is printed of a folder in which a file is unknown.
  const files = yield* Effect.forEach(names, (name) => readFile(folder, name))
  let passed = 0
  let failed = 0
  for (const { name, json, check } of files) {
    for (const [layerName, layer] of Object.entries(layers)) {
      if (keyless.has(name) && layerName !== "native") continue
      const report = yield* check(json).pipe(
        Effect.provide(layer),
        Effect.mapError(({ message }) => new UsageError({ message: `DIR: ${inFile(name, message)}` })),
      )
      // A check of nothing would pass whatever the library does.
      if (report.passed + report.failed.length === 0) {
        return yield* new UsageError({ message: `DIR: ${name} holds no case` })
      }
      passed += report.passed
      failed += report.failed.length
      const where = keyless.has(name) ? name : `${name}, ${layerName} crypto`
      yield* Console.log(`${where}: ${report.passed} passed, ${report.failed.length} failed`)
      for (const line of report.failed) yield* Console.log(`  ${line}`)
    }
  }
  yield* Console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0) return yield* new CommandFailed({ message: `${failed} cases do not hold` })
})

/** Some checks name the file themselves. */
const inFile = (name: string, message: string): string =>
  message.startsWith(`${name}: `) ? message : `${name}: ${message}`

const vectors = Command.make(
  "vectors",
  {
    folder: Argument.Directory("DIR", { mustExist: true }).pipe(
      Argument.withDescription("A folder of files of vectors, such as keys.json or pkarr.json"),
    ),
  },
  ({ folder }) => checkFolder(folder),
).pipe(Command.withDescription("Check the library against test vectors made by another implementation."))

runCommand(vectors)
