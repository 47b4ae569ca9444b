/**
 * The nodes of the routing table in a file, so that the next start is a warm one. A few KB: eight bytes that say what it is, a
 * SHA-1 digest of the rest, and compact node info (BEP 5). It holds addresses of others and nothing of our own. Whatever is wrong
 * with the file, the client starts without it.
 */
import { createHash, randomUUID } from "node:crypto"
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { Effect, Schedule, type Scope } from "effect"
import { COMPACT_NODE_BYTES, decodeNodes, encodeNodes } from "../krpc/compactNodes.ts"
import type { DhtNode } from "../model.ts"

const magic = new TextEncoder().encode("DHTNODE1")
const digestLength = 20

/** More would not make a start faster; a table of 160 buckets of 20 is never near full. */
const nodesMax = 500

/** How often the file is written while the client runs: a process that is killed has at least this. */
const saveEvery = "10 minutes"

const digest = (bytes: Uint8Array): Uint8Array => createHash("sha1").update(bytes).digest()

/** The file's bytes for these nodes. */
export const encodeFile = (nodes: ReadonlyArray<DhtNode>): Uint8Array => {
  const compact = encodeNodes(nodes.slice(0, nodesMax))
  return Buffer.concat([magic, digest(compact), compact])
}

/**
 * The nodes of a file's bytes; undefined when they are none of ours or not whole. Private addresses count only for a client
 * that is bound to one: `boundTo` is its IPv4 address.
 */
export const decodeFile = (bytes: Uint8Array, boundTo: string): ReadonlyArray<DhtNode> | undefined => {
  const compact = bytes.subarray(magic.length + digestLength)
  if (bytes.length < magic.length + digestLength || compact.length > nodesMax * COMPACT_NODE_BYTES) return undefined
  const isOurs = magic.every((byte, i) => byte === bytes[i]) && compact.length % COMPACT_NODE_BYTES === 0
  if (!isOurs || digest(compact).some((byte, i) => byte !== bytes[magic.length + i])) return undefined
  return decodeNodes(compact, boundTo)
}

/** The nodes of the file; none when it is not there yet or of no use, which is logged. */
export const load = Effect.fnUntraced(function* (path: string, boundTo: string) {
  const bytes = yield* Effect.tryPromise({ try: () => readFile(path), catch: codeOf }).pipe(
    Effect.catch((code) =>
      code === "ENOENT" ? Effect.undefined : Effect.as(Effect.logWarning(`nodesFile: ${path}: ${code}`), undefined),
    ),
  )
  if (bytes === undefined) return []
  const nodes = decodeFile(bytes, boundTo)
  if (nodes === undefined)
    yield* Effect.logWarning(`nodesFile: ${path} is no whole file of DHT nodes; it will be replaced`)
  return nodes ?? []
})

/** Writes the file now and then, and when the scope closes; not while no node is known. Failures are logged. */
export const keep = (path: string, nodes: () => ReadonlyArray<DhtNode>): Effect.Effect<void, never, Scope.Scope> => {
  const save = Effect.suspend(() => {
    const known = nodes()
    if (known.length === 0) return Effect.void
    return Effect.tryPromise({ try: () => replace(path, encodeFile(known)), catch: codeOf }).pipe(
      Effect.catch((code) => Effect.logWarning(`nodesFile: ${path} cannot be written: ${code}`)),
    )
  })
  return Effect.gen(function* () {
    yield* Effect.addFinalizer(() => save)
    yield* Effect.forkScoped(Effect.delay(Effect.repeat(save, Schedule.spaced(saveEvery)), saveEvery))
  })
}

/**
 * All or nothing: who is interrupted leaves the file that was there. The name beside it is nobody else's: several clients may have
 * one file, and in containers also one process id.
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

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error)
