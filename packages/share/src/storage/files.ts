/**
 * Contents in files. While NAME is fetched there are NAME.part, with every piece at its place, and NAME.part.pieces (see pieceLog.ts). Nothing overwrites a file
 * that exists.
 */
import { ByteSize, Effect, FileSystem, Path, PlatformError, Scope, Semaphore } from "effect"
import { ShareError } from "../ShareError.ts"
import { PIECE_BYTES } from "../tree/pieces.ts"
import type { ShareStorageService } from "./model.ts"
import { decodeLog, encodeEntry, encodeLog, maxLogBytes, type SavedContent } from "./pieceLog.ts"

const PART = ".part"
const PIECES = ".part.pieces"
/** A log of a content of 1 TiB would be 200 MB: read no more. */
const MAX_LOG_BYTES = maxLogBytes(4_194_304)

const failWith =
  (path: string) =>
  (error: PlatformError.PlatformError): ShareError => {
    const code = codeOf(error)
    if (code === "ENOSPC" || code === "EDQUOT") {
      return new ShareError({ reason: "NoSpace", message: `${path}: no space left; what is there stays` })
    }
    const tag = error.reason._tag
    const why =
      tag === "NotFound"
        ? "no such file or directory"
        : tag === "PermissionDenied"
          ? "permission denied"
          : code === "EISDIR" || code === "ENOTDIR"
            ? "is a directory, or leads through a file"
            : (code ?? error.message)
    return new ShareError({ reason: tag === "NotFound" ? "NotFound" : "Storage", message: `${path}: ${why}` })
  }

const codeOf = ({ reason }: PlatformError.PlatformError): string | undefined => {
  const cause = "cause" in reason ? reason.cause : undefined
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined
}

const readAt = (file: FileSystem.File, path: string) => (at: number, length: number) =>
  Effect.gen(function* () {
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const read = Number(yield* file.read(bytes.subarray(done), { position: BigInt(at + done) }))
      if (read === 0) break
      done += read
    }
    return done === length ? bytes : bytes.subarray(0, done)
  }).pipe(Effect.mapError(failWith(path)))

/** Writes go by the file's cursor: one at a time. */
const writeAt = Effect.fnUntraced(function* (file: FileSystem.File, path: string) {
  const turn = yield* Semaphore.make(1)
  return (at: number, bytes: Uint8Array) =>
    Effect.andThen(file.seek(BigInt(at), "start"), file.writeAll(bytes)).pipe(
      turn.withPermit,
      Effect.mapError(failWith(path)),
    )
})

export const makeFiles = Effect.fnUntraced(function* (directory: string) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const inDirectory = Effect.suspend(() => files.makeDirectory(directory, { recursive: true })).pipe(
    Effect.mapError(failWith(directory)),
  )

  const exists = (path: string) => Effect.mapError(files.exists(path), failWith(path))

  const loadLog = Effect.fnUntraced(function* (path: string) {
    if (!(yield* files.exists(path))) return undefined
    const { size } = yield* files.stat(path)
    if (ByteSize.toBigInt(size) > BigInt(MAX_LOG_BYTES)) return undefined
    return decodeLog(yield* files.readFile(path))
  })

  const open: ShareStorageService["open"] = Effect.fnUntraced(function* (hash, to) {
    if (to === undefined) yield* inDirectory
    const path = to ?? paths.join(directory, hash)
    const [part, log] = [path + PART, path + PIECES]
    const fail = failWith(path)
    if (yield* exists(path)) {
      return yield* new ShareError({ reason: "AlreadyExists", message: `${path}: exists already` })
    }
    const found = yield* Effect.mapError(loadLog(log), failWith(log))
    if (found !== undefined && found.row.hash !== hash) {
      const message = `${part}: belongs to another content, ${found.row.hash}; finish that one, or remove the file`
      return yield* new ShareError({ reason: "AlreadyExists", message })
    }
    const hasPart = yield* exists(part)
    const saved = hasPart ? found : undefined
    if (hasPart && found === undefined && (yield* Effect.mapError(files.stat(part), fail)).type !== "File") {
      return yield* new ShareError({ reason: "AlreadyExists", message: `${part}: is no file` })
    }
    const file = yield* Effect.mapError(files.open(part, { flag: saved === undefined ? "w+" : "r+" }), fail)
    const write = yield* writeAt(file, part)
    const read = readAt(file, part)
    let row = saved?.row
    let entries: FileSystem.File | undefined
    const scope = yield* Effect.scope

    const startLog = Effect.fnUntraced(
      function* (content: SavedContent) {
        // The log is written anew beside the old one, so that there is always a whole one.
        yield* files.writeFile(`${log}.new`, encodeLog(content))
        yield* files.rename(`${log}.new`, log)
        entries = yield* files.open(log, { flag: "a" }).pipe(Scope.provide(scope))
      },
      Effect.mapError(failWith(log)),
    )
    if (saved !== undefined) yield* startLog(saved)

    const place = Effect.gen(function* () {
      yield* file.sync
      // A link fails if the file exists; where there are no links, a check has to do.
      yield* files.link(part, path).pipe(
        Effect.andThen(files.remove(part)),
        Effect.catch((error) =>
          error.reason._tag === "AlreadyExists" ? Effect.fail(error) : moveUnlessThere(part, path),
        ),
      )
      yield* Effect.ignore(files.remove(log))
      return path
    })

    return {
      saved,
      begin: (newRow, name) =>
        Effect.suspend(() => {
          row = newRow
          return startLog({ row: newRow, name, pieces: [] })
        }),
      write: (piece, bytes) =>
        Effect.andThen(
          write(piece * PIECE_BYTES, bytes),
          Effect.suspend(() => entries?.writeAll(encodeEntry(piece)) ?? Effect.void).pipe(
            Effect.mapError(failWith(log)),
          ),
        ),
      read: (piece) => Effect.suspend(() => read(piece * PIECE_BYTES, row?.lengthOf(piece) ?? 0)),
      finish: Effect.mapError(place, (error) =>
        error.reason._tag === "AlreadyExists"
          ? new ShareError({ reason: "AlreadyExists", message: `${path}: exists now; the content is in ${part}` })
          : fail(error),
      ),
    }
  })

  const moveUnlessThere = (from: string, to: string) =>
    Effect.flatMap(files.exists(to), (isThere) =>
      isThere
        ? Effect.fail(PlatformError.systemError({ _tag: "AlreadyExists", module: "ShareStorage", method: "finish" }))
        : files.rename(from, to),
    )

  const source: ShareStorageService["source"] = Effect.fnUntraced(function* (path) {
    const fail = failWith(path)
    const { size, type } = yield* Effect.mapError(files.stat(path), fail)
    if (type !== "File") return yield* new ShareError({ reason: "NotFound", message: `${path}: is no file` })
    const file = yield* Effect.mapError(files.open(path), fail)
    return { name: paths.basename(path), size: Number(ByteSize.toBigInt(size)), read: readAt(file, path) }
  })

  const collect: ShareStorageService["collect"] = Effect.gen(function* () {
    yield* inDirectory
    const path = yield* Effect.mapError(files.makeTempFileScoped({ directory, prefix: "stream-" }), failWith(directory))
    const file = yield* Effect.mapError(files.open(path, { flag: "w+" }), failWith(path))
    return {
      append: (bytes: Uint8Array) => Effect.mapError(file.writeAll(bytes), failWith(path)),
      read: readAt(file, path),
    }
  })

  return { open, source, collect }
})
