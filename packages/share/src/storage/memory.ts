/** Contents in memory. What was begun stays while the layer lives, so a fetch can go on after it was interrupted. */
import { Effect } from "effect"
import type { ContentHash } from "../ContentHash.ts"
import { ShareError } from "../ShareError.ts"
import type { PieceRow } from "../tree/PieceRow.ts"
import { PIECE_BYTES } from "../tree/pieces.ts"
import type { ShareStorageService } from "./model.ts"

interface Kept {
  readonly hash: ContentHash
  readonly row: PieceRow
  readonly name: string
  readonly pieces: Map<number, Uint8Array>
  isWhole: boolean
}

const DEFAULT_BYTES = 268_435_456

export const makeMemory = (maxBytes = DEFAULT_BYTES): ShareStorageService => {
  const contents = new Map<string, Kept>()
  let used = 0
  const take = (bytes: number): Effect.Effect<void, ShareError> =>
    Effect.suspend(() => {
      if (used + bytes > maxBytes) {
        const message = `the contents need more than the ${maxBytes} bytes of the memory storage (maxBytes)`
        return Effect.fail(new ShareError({ reason: "NoSpace", message }))
      }
      used += bytes
      return Effect.void
    })
  return {
    open: (hash, to = hash) =>
      Effect.suspend(() => {
        let kept = contents.get(to)
        if (kept !== undefined && (kept.isWhole || kept.hash !== hash)) {
          return Effect.fail(new ShareError({ reason: "AlreadyExists", message: `${to}: is there already` }))
        }
        return Effect.succeed({
          saved: kept && { row: kept.row, name: kept.name, pieces: [...kept.pieces.keys()] },
          begin: (row, name) =>
            Effect.sync(() => {
              kept = { hash, row, name, pieces: new Map(), isWhole: false }
              contents.set(to, kept)
            }),
          write: (piece, bytes) =>
            Effect.andThen(
              take(bytes.length - (kept?.pieces.get(piece)?.length ?? 0)),
              Effect.sync(() => void kept?.pieces.set(piece, bytes.slice())),
            ),
          read: (piece) => Effect.succeed(kept?.pieces.get(piece) ?? new Uint8Array(0)),
          finish: Effect.sync(() => {
            if (kept !== undefined) kept.isWhole = true
            return to
          }),
        })
      }),
    source: (path) =>
      Effect.suspend(() => {
        const kept = contents.get(path)
        if (kept?.isWhole !== true) {
          return Effect.fail(new ShareError({ reason: "NotFound", message: `${path}: not in the memory storage` }))
        }
        return Effect.succeed({
          name: kept.name,
          size: kept.row.size,
          read: (at, length) =>
            Effect.sync(() => (kept.pieces.get(at / PIECE_BYTES) ?? new Uint8Array(0)).subarray(0, length)),
        })
      }),
    collect: Effect.suspend(() => {
      const parts: Array<Uint8Array> = []
      let length = 0
      return Effect.as(
        Effect.addFinalizer(() =>
          Effect.sync(() => {
            used -= length
          }),
        ),
        {
          // Pieces come whole, so each part but the last has the length of one.
          append: (bytes: Uint8Array) =>
            Effect.andThen(
              take(bytes.length),
              Effect.sync(() => {
                length += bytes.length
                parts.push(bytes.slice())
              }),
            ),
          read: (at: number, length: number) =>
            Effect.sync(() => (parts[at / PIECE_BYTES] ?? new Uint8Array(0)).subarray(0, length)),
        },
      )
    }),
  }
}
