/** The service that keeps contents, with its layers: in memory, and in files. */
import { Context, type FileSystem, Layer, type Path } from "effect"
import { makeFiles } from "./files.ts"
import { makeMemory } from "./memory.ts"
import type { ShareStorageService } from "./model.ts"

/**
 * The service that keeps contents.
 *
 * @since 0.1.0
 * @category services
 */
export class ShareStorage extends Context.Service<ShareStorage, ShareStorageService>()(
  "@topic-tracker/share/ShareStorage",
) {
  /**
   * In memory: for tests, and for contents that fit. `maxBytes` bounds all of them together, 256 MiB by default. What was begun stays while the layer
   * lives, so a fetch can go on after it was interrupted.
   *
   * @since 0.1.0
   */
  static readonly layerMemory = (options: { readonly maxBytes?: number } = {}): Layer.Layer<ShareStorage> =>
    Layer.sync(ShareStorage, () => makeMemory(options.maxBytes))

  /**
   * In files. `directory` has the contents that are fetched to no named file, and streams while they are shared; it is made when it is needed. While NAME is
   * fetched there are NAME.part and NAME.part.pieces, from which a later fetch goes on.
   *
   * @since 0.1.0
   */
  static readonly layerFiles = (options: {
    readonly directory: string
  }): Layer.Layer<ShareStorage, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(ShareStorage, makeFiles(options.directory))
}
