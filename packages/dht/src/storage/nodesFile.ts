/**
 * Known DHT nodes in a file that the user named: see `NodeStorage.ts`. It writes only to a regular file that is empty or begins as
 * ours do, and follows symbolic links. A damaged or foreign file does not prevent the start of the client.
 */
import { open, readlink, realpath, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { Effect } from "effect"
import { DhtError } from "../DhtError.ts"
import type { NodeStorage } from "./NodeStorage.ts"
import { isKept, MAX_KEPT_BYTES } from "./nodesCodec.ts"
import { codeOf, replaceFile } from "./replaceFile.ts"

/** The storage in this file. Reading fails with `InvalidArgument` for a device or folder. */
export const inFile = (path: string): NodeStorage => ({
  name: `nodesFile: ${path}`,
  read: read(path),
  write: (bytes) => Effect.tryPromise({ try: () => write(path, bytes), catch: codeOf }),
})

const read = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Uint8Array | undefined, DhtError> {
  const content = yield* Effect.tryPromise({ try: () => inspect(path), catch: codeOf }).pipe(
    Effect.catch((code) => Effect.as(Effect.logWarning(`nodesFile: ${path} was not read: ${code}`), undefined)),
  )
  if (content === undefined || content._tag === "missing") return undefined
  if (content._tag === "special") {
    const message = `nodesFile: ${path} is not a regular file; give the path of a file, or of one that does not exist yet`
    return yield* new DhtError({ reason: "InvalidArgument", message })
  }
  if (content._tag === "foreign") {
    yield* Effect.logWarning(
      `nodesFile: ${path} is not a file of DHT nodes; it is not replaced, and no nodes are saved`,
    )
    return undefined
  }
  return content.bytes
})

type Content =
  | { readonly _tag: "missing" }
  /** A folder, device, socket or pipe. */
  | { readonly _tag: "special" }
  /** Not empty, and without our beginning. */
  | { readonly _tag: "foreign" }
  | { readonly _tag: "ours"; readonly bytes: Uint8Array }

const inspect = async (path: string): Promise<Content> => {
  let info: Awaited<ReturnType<typeof stat>>
  try {
    info = await stat(path)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { _tag: "missing" }
    throw error
  }
  // Before it is opened: opening a pipe would wait for its writer.
  if (!info.isFile()) return { _tag: "special" }
  const file = await open(path, "r")
  try {
    // One byte more than ours may have, so that a longer file is not taken for ours.
    const buffer = new Uint8Array(MAX_KEPT_BYTES + 1)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    const bytes = buffer.subarray(0, bytesRead)
    return bytesRead === 0 || isKept(bytes) ? { _tag: "ours", bytes } : { _tag: "foreign" }
  } finally {
    await file.close()
  }
}

const write = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await realPathOf(path)
  const { _tag } = await inspect(file)
  if (_tag === "special" || _tag === "foreign") throw new Error("it is not a file of DHT nodes")
  try {
    await replaceFile(file, bytes)
  } catch (error) {
    // A file that is a mount point, as in containers, or lies in a folder without the right to create files.
    if (_tag === "missing" || !IN_PLACE_CODES.has(codeOf(error))) throw error
    await overwrite(file, bytes)
  }
}

/** The path behind symbolic links, also if the file at their end does not exist. */
const realPathOf = async (path: string, links = MAX_LINKS): Promise<string> => {
  try {
    return await realpath(path)
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || links === 0) throw error
    const target = await readlink(path).catch(() => undefined)
    return target === undefined ? path : realPathOf(resolve(dirname(path), target), links - 1)
  }
}

/** As Linux allows. */
const MAX_LINKS = 40

const IN_PLACE_CODES: ReadonlySet<string> = new Set(["EBUSY", "EXDEV", "EACCES", "EPERM", "EROFS"])

/** Not atomic: the digest shows an interrupted write. */
const overwrite = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await open(path, "r+")
  try {
    await file.write(bytes, 0, bytes.length, 0)
    await file.truncate(bytes.length)
  } finally {
    await file.close()
  }
}
