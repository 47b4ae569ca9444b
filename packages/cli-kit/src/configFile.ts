/**
 * The options of the library from the environment and from a file: `TOPIC_TRACKER_…` variables over the JSON file that
 * `TOPIC_TRACKER_CONFIG` names, or else over `topic-tracker/config.json` in the user's folder of configurations if it is there.
 * docs/configuration.md lists all options. Options of the command line go over both.
 */
import { join } from "node:path"
import { userFolder } from "@topic-tracker/common/userFolder"
import { TopicConfig, TopicTracker } from "@topic-tracker/core"
import type { DhtAddress } from "@topic-tracker/dht"
import { ConfigProvider, Effect, FileSystem, Layer, Option } from "effect"
import { UsageError } from "./errors.ts"
import { readIdentityFile } from "./identityFile.ts"
import { withNodeCache } from "./nodeCache.ts"

/** The environment variable with the path of the file. */
export const CONFIG_VARIABLE = "TOPIC_TRACKER_CONFIG"

/** The file's path if none is named; undefined for a user without a home. */
const defaultPath = (): string | undefined => {
  const folder = userFolder("XDG_CONFIG_HOME", [".config"])
  return folder === undefined ? undefined : join(folder, "topic-tracker", "config.json")
}

/** No file of options is longer. */
const MAX_FILE_BYTES = 262_144

/** The file's contents; none if it was not named and is not there. */
const readFile = Effect.gen(function* () {
  const named = process.env[CONFIG_VARIABLE] ?? ""
  const path = named === "" ? defaultPath() : named
  if (path === undefined) return Option.none<unknown>()
  const refuse = (reason: string) => new UsageError({ message: `${CONFIG_VARIABLE}: ${path}: ${reason}` })
  const files = yield* FileSystem.FileSystem
  const bytes = yield* files.readFile(path).pipe(
    Effect.asSome,
    Effect.catch((error) => {
      if (error.reason._tag !== "NotFound") return Effect.fail(refuse(error.message))
      return named === "" ? Effect.succeedNone : Effect.fail(refuse("no such file"))
    }),
  )
  if (Option.isNone(bytes)) return Option.none<unknown>()
  if (bytes.value.length > MAX_FILE_BYTES) return yield* refuse(`is larger than ${MAX_FILE_BYTES} bytes`)
  return yield* Effect.try({
    try: () => Option.some<unknown>(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.value))),
    catch: (error) => refuse(`is not JSON: ${error instanceof Error ? error.message : error}`),
  })
})

/** The options of the environment and of the file, checked. Fails with one line that names each wrong one. */
const configured = Effect.gen(function* () {
  const file = yield* readFile
  const environment = yield* ConfigProvider.ConfigProvider
  const provider = Option.isNone(file)
    ? environment
    : ConfigProvider.orElse(environment, ConfigProvider.fromUnknown(file.value))
  return yield* TopicConfig.input.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, provider),
    // The words of Effect's error around ours say nothing more.
    Effect.mapError(({ message }) => new UsageError({ message: message.replace(/^SchemaError\((.*)\)$/s, "$1") })),
  )
})

/** The values of the options `--bootstrap`, `--relay` and `--dht-port`, each as flags.ts has it. */
export interface GivenNode {
  readonly bootstrap: ReadonlyArray<DhtAddress>
  readonly relay?: ReadonlyArray<string> | undefined
  readonly dhtPort?: number
}

/** The options of a node: those of the command line over those of the environment and of the file. */
export const nodeConfig = ({ bootstrap, dhtPort = 0, relay }: GivenNode) =>
  Effect.map(configured, (config) =>
    TopicConfig.merge(config, {
      dht: {
        bootstrap: bootstrap.length === 0 ? undefined : bootstrap,
        port: dhtPort === 0 ? undefined : dhtPort,
      },
      network: { relays: relay?.length === 0 ? "none" : relay },
    }),
  )

/** The files that a node keeps: values of `--cache` and `--identity-file`. */
export interface KeptFiles {
  /** Without it no DHT nodes are kept for the next start. */
  readonly cache?: Option.Option<string>
  /** Without it, or with none, each start has a new key. */
  readonly identityFile?: Option.Option<string>
}

/** A node with these options. */
export const trackerLayer = ({ cache, identityFile = Option.none(), ...given }: GivenNode & KeptFiles) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const config = yield* nodeConfig(given)
      const identity = Option.isSome(identityFile) ? yield* readIdentityFile(identityFile.value) : undefined
      const layer = TopicTracker.layer(identity === undefined ? { config } : { config, identity })
      if (cache === undefined) return layer
      const { bootstrap } = (yield* TopicConfig.make(config)).dht
      return withNodeCache(layer, { bootstrap, cache })
    }),
  )
