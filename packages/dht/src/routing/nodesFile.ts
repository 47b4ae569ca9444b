/**
 * The nodes of the routing table in a file, so that the next start is a warm one. A few KB: eight bytes of magic, a SHA-1 digest
 * of the rest, and compact node info (BEP 5). It contains addresses of others and nothing of our own.
 *
 * It writes only to a regular file that is empty or begins with the magic, and follows symbolic links. A damaged or foreign file
 * does not prevent the start of the client.
 */
import { createHash, randomUUID } from "node:crypto"
import { open, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { Effect, Schedule, type Scope } from "effect"
import { DhtError } from "../DhtError.ts"
import { COMPACT_NODE_BYTES, decodeNodes, encodeNodes } from "../krpc/compactNodes.ts"
import type { DhtNode } from "../model.ts"

const MAGIC = new TextEncoder().encode("DHTNODE1")
const DIGEST_BYTES = 20
const HEADER_BYTES = MAGIC.length + DIGEST_BYTES

/** More nodes would not make a start faster; a table of 160 buckets of 20 is never nearly full. */
const MAX_NODES = 500

/** The file is written this often while the client runs, for a process that is killed. */
const SAVE_INTERVAL = "10 minutes"

const digest = (bytes: Uint8Array): Uint8Array => createHash("sha1").update(bytes).digest()

/**
 * The bytes of a file with these nodes.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeFile = (nodes: ReadonlyArray<DhtNode>): Uint8Array => {
  const compact = encodeNodes(nodes.slice(0, MAX_NODES))
  return Buffer.concat([MAGIC, digest(compact), compact])
}

/**
 * The nodes in the bytes of a file; undefined if they are not ours or incomplete. Private addresses count only for a client
 * that is bound to one: `boundTo` is its IPv4 address.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodeFile = (bytes: Uint8Array, boundTo: string): ReadonlyArray<DhtNode> | undefined => {
  const compact = bytes.subarray(HEADER_BYTES)
  if (bytes.length < HEADER_BYTES || compact.length > MAX_NODES * COMPACT_NODE_BYTES) return undefined
  if (!hasMagic(bytes) || compact.length % COMPACT_NODE_BYTES !== 0) return undefined
  if (digest(compact).some((byte, i) => byte !== bytes[MAGIC.length + i])) return undefined
  return decodeNodes(compact, boundTo)
}

const hasMagic = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => byte === bytes[i])

/** The nodes of the file; none, with a warning, if it is damaged or foreign. Fails with `InvalidArgument` for a device or folder. */
export const load = Effect.fnUntraced(function* (
  path: string,
  boundTo: string,
): Effect.fn.Return<ReadonlyArray<DhtNode>, DhtError> {
  const content = yield* Effect.tryPromise({ try: () => inspect(path), catch: codeOf }).pipe(
    Effect.catch((code) => Effect.as(Effect.logWarning(`nodesFile: ${path} was not read: ${code}`), undefined)),
  )
  if (content === undefined || content._tag === "missing") return []
  if (content._tag === "special") {
    const message = `nodesFile: ${path} is not a regular file; give the path of a file, or of one that does not exist yet`
    return yield* new DhtError({ reason: "InvalidArgument", message })
  }
  if (content._tag === "foreign") {
    yield* Effect.logWarning(
      `nodesFile: ${path} is not a file of DHT nodes; it is not replaced, and no nodes are saved`,
    )
    return []
  }
  const nodes = decodeFile(content.bytes, boundTo)
  if (nodes === undefined && content.bytes.length > 0)
    yield* Effect.logWarning(`nodesFile: ${path} is damaged; it will be replaced`)
  return nodes ?? []
})

/** Writes the file regularly and when the scope closes, unless no node is known. Failures are logged. */
export const keep = (path: string, nodes: () => ReadonlyArray<DhtNode>): Effect.Effect<void, never, Scope.Scope> => {
  const save = Effect.suspend(() => {
    const known = nodes()
    if (known.length === 0) return Effect.void
    return Effect.tryPromise({ try: () => write(path, encodeFile(known)), catch: codeOf }).pipe(
      Effect.catch((code) => Effect.logWarning(`nodesFile: ${path} was not written: ${code}`)),
    )
  })
  return Effect.gen(function* () {
    yield* Effect.addFinalizer(() => save)
    yield* Effect.forkScoped(Effect.delay(Effect.repeat(save, Schedule.spaced(SAVE_INTERVAL)), SAVE_INTERVAL))
  })
}

type Content =
  | { readonly _tag: "missing" }
  /** A folder, device, socket or pipe. */
  | { readonly _tag: "special" }
  /** Not empty, and without our magic. */
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
    const buffer = new Uint8Array(HEADER_BYTES + MAX_NODES * COMPACT_NODE_BYTES + 1)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    const bytes = buffer.subarray(0, bytesRead)
    return bytesRead === 0 || hasMagic(bytes) ? { _tag: "ours", bytes } : { _tag: "foreign" }
  } finally {
    await file.close()
  }
}

const write = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await realPathOf(path)
  const { _tag } = await inspect(file)
  if (_tag === "special" || _tag === "foreign") throw new Error("it is not a file of DHT nodes")
  try {
    await replace(file, bytes)
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

/**
 * All or nothing: a process that is interrupted leaves the old file. The name of the new file is unique, because several clients
 * may share one file, and in containers also one process id.
 */
const replace = async (path: string, bytes: Uint8Array): Promise<void> => {
  const fresh = `${path}.${randomUUID()}.new`
  try {
    await writeFile(fresh, bytes, { mode: 0o600 })
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

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

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error)
