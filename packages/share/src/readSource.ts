/** Reads what is to be shared once, piece by piece, and gives other work its turn meanwhile. Pieces are read again when a peer wants them. */
import { Effect, type Scope, Stream } from "effect"
import type { ShareSource } from "./model.ts"
import { ShareError } from "./ShareError.ts"
import type { PieceReader, ShareStorageService } from "./storage/model.ts"
import { PieceMaker, type PieceRow } from "./tree/PieceRow.ts"
import { PIECE_BYTES, pieceLength } from "./tree/pieces.ts"
import { MAX_NAME_BYTES } from "./wire/messages.ts"

/** What was read. */
export interface Readable extends PieceReader {
  readonly row: PieceRow
  readonly name: string
}

const tooLarge = (max: number): ShareError =>
  new ShareError({
    reason: "TooLarge",
    message: `the content is larger than ${max} bytes; limits.maxContentBytes allows more`,
  })

/** The row of a content of this size, read by pieces. */
const rowOf = (size: number, read: (at: number, length: number) => Effect.Effect<Uint8Array, ShareError>) =>
  Effect.gen(function* () {
    const maker = new PieceMaker()
    for (let at = 0; at < size; at += PIECE_BYTES) {
      maker.push(yield* read(at, Math.min(PIECE_BYTES, size - at)))
      yield* Effect.yieldNow
    }
    return maker.end().row
  })

/** The source, its files open until the scope closes. */
export const readSource = <E, R>(
  storage: ShareStorageService,
  source: ShareSource<E, R>,
  maxBytes: number,
): Effect.Effect<Readable, ShareError | E, R | Scope.Scope> => {
  const readable = (
    row: PieceRow,
    name: string,
    read: (at: number, length: number) => Effect.Effect<Uint8Array, ShareError>,
  ): Readable => ({ row, name, read: (piece) => read(piece * PIECE_BYTES, pieceLength(row.size, piece)) })

  if (source instanceof Uint8Array) {
    if (source.length > maxBytes) return Effect.fail(tooLarge(maxBytes))
    const read = (at: number, length: number) => Effect.sync(() => source.subarray(at, at + length))
    return Effect.map(rowOf(source.length, read), (row) => readable(row, "", read))
  }
  if (!Stream.isStream(source)) {
    return Effect.gen(function* () {
      const file = yield* storage.source(source.path)
      if (file.size > maxBytes) return yield* tooLarge(maxBytes)
      const row = yield* rowOf(file.size, file.read)
      return readable(row, trimName(file.name), file.read)
    })
  }
  return Effect.gen(function* () {
    const kept = yield* storage.collect
    const maker = new PieceMaker()
    yield* Stream.runForEach(source, (bytes) =>
      Effect.gen(function* () {
        if (maker.size + bytes.length > maxBytes) return yield* tooLarge(maxBytes)
        for (const piece of maker.push(bytes)) {
          yield* kept.append(piece)
          yield* Effect.yieldNow
        }
      }),
    )
    const { last, row } = maker.end()
    yield* kept.append(last)
    return readable(row, "", kept.read)
  })
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length

/** A file's name may be longer than a name on the wire. */
const trimName = (name: string): string => (byteLength(name) <= MAX_NAME_BYTES ? name : "")

export const checkName = (name: string | undefined): Effect.Effect<void, ShareError> => {
  if (name === undefined || byteLength(name) <= MAX_NAME_BYTES) return Effect.void
  const message = `name: ${byteLength(name)} bytes of UTF-8; expected at most ${MAX_NAME_BYTES}`
  return Effect.fail(new ShareError({ reason: "InvalidArgument", message }))
}
