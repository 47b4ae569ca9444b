/** The place where contents are kept: what the rest of the package needs of it. */
import type { Effect, Scope } from "effect"
import type { ContentHash } from "../ContentHash.ts"
import type { ShareError } from "../ShareError.ts"
import type { PieceRow } from "../tree/PieceRow.ts"

/** The pieces of one content. */
export interface PieceReader {
  readonly read: (piece: number) => Effect.Effect<Uint8Array, ShareError>
}

/** A content that is not whole yet. What was written survives the end of the process, however it ends. */
export interface PartialContent extends PieceReader {
  /** Of an earlier fetch to the same place; the pieces are not verified. */
  readonly saved: { readonly row: PieceRow; readonly name: string; readonly pieces: ReadonlyArray<number> } | undefined
  /** Before the first write of a content without `saved`. */
  readonly begin: (row: PieceRow, name: string) => Effect.Effect<void, ShareError>
  readonly write: (piece: number, bytes: Uint8Array) => Effect.Effect<void, ShareError>
  /** All pieces are there: moves the content to its place, and returns that. Reads still work. */
  readonly finish: Effect.Effect<string, ShareError>
}

/**
 * What {@link ShareStorage} does. Only this package uses it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShareStorageService {
  /**
   * The content to fetch to this place, or one that was begun there.
   *
   * @internal
   */
  readonly open: (hash: ContentHash, to: string | undefined) => Effect.Effect<PartialContent, ShareError, Scope.Scope>
  /**
   * A file to share, where it is.
   *
   * @internal
   */
  readonly source: (path: string) => Effect.Effect<
    {
      readonly name: string
      readonly size: number
      readonly read: (at: number, length: number) => Effect.Effect<Uint8Array, ShareError>
    },
    ShareError,
    Scope.Scope
  >
  /**
   * A place for a content whose hash is known at its end.
   *
   * @internal
   */
  readonly collect: Effect.Effect<
    {
      readonly append: (bytes: Uint8Array) => Effect.Effect<void, ShareError>
      readonly read: (at: number, length: number) => Effect.Effect<Uint8Array, ShareError>
    },
    ShareError,
    Scope.Scope
  >
}
