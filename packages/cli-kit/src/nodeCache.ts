/**
 * Keeps the known DHT nodes of a command from run to run, so that it finds the others sooner: in the user's cache folder, or in the folder
 * of `--cache` or the environment variable TOPIC_TRACKER_CACHE. A network on this host only, such as a testnet, is not remembered.
 */
import { type DhtAddress, DhtConfig, FolderStore } from "@topic-tracker/dht"
import { Config, Effect, Layer, Option } from "effect"
import { Flag } from "effect/cli"
import { CACHE_VARIABLE, cacheFolder } from "./cacheFolder.ts"

export { CACHE_VARIABLE } from "./cacheFolder.ts"

/** The option `--cache`. Pass its value to {@link withNodeCache}. */
export const cacheFlag: Flag.Flag<Option.Option<string>> = Flag.String("cache").pipe(
  Flag.filter(
    (folder) => folder !== "",
    () => "a folder, or none",
  ),
  Flag.withMetavar("folder"),
  Flag.withDescription(
    `Where known DHT nodes are kept for the next start; none: nowhere. Or set ${CACHE_VARIABLE} (default: topic-tracker in the user's cache folder)`,
  ),
  Flag.optional,
)

export interface NodeCacheOptions {
  /** The value of `--cache`. */
  readonly cache: Option.Option<string>
  /** The nodes from which the DHT client starts; empty for the public ones. */
  readonly bootstrap: ReadonlyArray<DhtAddress>
}

/** The layer of a node that keeps its known DHT nodes as these options say. */
export const withNodeCache = <A, E, R>(
  layer: Layer.Layer<A, E, R>,
  { bootstrap, cache }: NodeCacheOptions,
): Layer.Layer<A, E, R> =>
  Layer.unwrap(
    Effect.map(fromEnvironment, (variable) => {
      const folder = cacheFolder(Option.getOrUndefined(Option.orElse(cache, () => variable)))
      return folder === undefined || DhtConfig.isLoopbackOnly(bootstrap)
        ? layer
        : Layer.provide(layer, FolderStore.layer(folder))
    }),
  )

/** An empty variable counts as not set. */
const fromEnvironment = Config.option(Config.String(CACHE_VARIABLE)).pipe(
  Effect.map(Option.filter((folder) => folder !== "")),
  Effect.orElseSucceed(() => Option.none<string>()),
)
