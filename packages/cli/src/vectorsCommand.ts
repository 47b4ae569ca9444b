/**
 * The command `vectors DIR`: checks every case of every JSON file in a folder. Files that involve keys are checked on the portable
 * and on the native layer of Crypto; a case counts once for each layer. The last line is `N passed, N failed`.
 */

import { withExamples } from "@topic-tracker/cli-kit/examples"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { Crypto } from "@topic-tracker/crypto"
import { Console, Effect, FileSystem, Path } from "effect"
import { Argument, Command } from "effect/cli"
import { summaries } from "./summaries.ts"
import { coreVectors } from "./vectors/coreVectors.ts"
import { cryptoVectors } from "./vectors/cryptoVectors.ts"
import { dhtVectors } from "./vectors/dhtVectors.ts"
import { gossipVectors } from "./vectors/gossipVectors.ts"
import { membersVectors } from "./vectors/membersVectors.ts"
import { peerStreamVectors } from "./vectors/peerStreamVectors.ts"
import { presenceVectors } from "./vectors/presenceVectors.ts"
import { parseJson, type VectorCheck } from "./vectors/VectorReport.ts"

const checks: ReadonlyMap<string, VectorCheck> = new Map(
  Object.entries({
    ...cryptoVectors,
    "dht-items.json": dhtVectors,
    "pkarr.json": coreVectors,
    "members.json": membersVectors,
    "presence.json": presenceVectors,
    "gossip-frames.json": gossipVectors,
    "streams.json": peerStreamVectors,
  }),
)

/** The files that involve no key. They are checked once. */
const WITHOUT_KEYS = new Set(["gossip-frames.json", "streams.json"])

const layers = { portable: Crypto.layerPortable(), native: Crypto.layer() }

interface VectorFile {
  readonly name: string
  readonly json: unknown
  readonly check: VectorCheck
}

const readFile = Effect.fnUntraced(function* (folder: string, name: string) {
  const check = checks.get(name)
  if (check === undefined) {
    const known = [...checks.keys()].join(", ")
    return yield* new UsageError({ message: `DIR: ${name} is not a known file of vectors; known are ${known}` })
  }
  const path = (yield* Path.Path).join(folder, name)
  const text = yield* (yield* FileSystem.FileSystem)
    .readFileString(path)
    .pipe(Effect.mapError(({ message }) => new UsageError({ message: `DIR: ${name} cannot be read: ${message}` })))
  const json = yield* Effect.try({
    try: () => parseJson(text),
    catch: (error) =>
      new UsageError({ message: `DIR: ${name} is not JSON: ${error instanceof Error ? error.message : error}` }),
  })
  return { name, json, check } satisfies VectorFile
})

const checkFolder = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const names = (yield* fs.readDirectory(folder)).filter((name) => name.endsWith(".json")).sort()
  if (names.length === 0) return yield* new UsageError({ message: `DIR: ${folder} has no JSON file of vectors` })
  // All files are read before the first is checked: a folder with an unknown file prints no result.
  const files = yield* Effect.forEach(names, (name) => readFile(folder, name))
  let passed = 0
  let failed = 0
  for (const { name, json, check } of files) {
    for (const [layerName, layer] of Object.entries(layers)) {
      if (WITHOUT_KEYS.has(name) && layerName !== "native") continue
      const report = yield* check(json).pipe(
        Effect.provide(layer),
        Effect.mapError(({ message }) => new UsageError({ message: `DIR: ${name}: ${message}` })),
      )
      // An empty file would pass always.
      if (report.passed + report.failed.length === 0) {
        return yield* new UsageError({ message: `DIR: ${name} has no case` })
      }
      passed += report.passed
      failed += report.failed.length
      const where = WITHOUT_KEYS.has(name) ? name : `${name}, ${layerName} crypto`
      yield* Console.log(`${where}: ${report.passed} passed, ${report.failed.length} failed`)
      for (const line of report.failed) yield* Console.log(`  ${line}`)
    }
  }
  yield* Console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0) return yield* new CommandFailed({ message: `${failed} cases failed` })
})

export const vectorsCommand = Command.make(
  "vectors",
  {
    folder: Argument.Directory("DIR", { mustExist: true }).pipe(
      Argument.withDescription("A folder of files of vectors, such as keys.json or pkarr.json"),
    ),
  },
  ({ folder }) => checkFolder(folder),
).pipe(
  Command.withDescription("Check the library against test vectors of another implementation."),
  Command.withShortDescription(summaries.vectors),
  withExamples(["vectors/", "The last line is: N passed, N failed"]),
)
