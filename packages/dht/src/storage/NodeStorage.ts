/**
 * Keeps known DHT nodes from run to run, so that the next start is a warm one: in the program's KeyValueStore, or in a file
 * (`nodesFile.ts`). Storage that fails, is slow or has been tampered with does not prevent the start of the client.
 */
import { createHash } from "node:crypto"
import { Cause, Clock, Effect, Schedule, type Scope } from "effect"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import type { DhtError } from "../DhtError.ts"
import type { DhtAddress } from "../model.ts"
import { decodeKept, encodeKept, MAX_KEPT_BYTES, type SeenNode } from "./nodesCodec.ts"

/** A place for one value. */
export interface NodeStorage {
  /** For messages to the user. */
  readonly name: string
  /** Undefined if there is none. Fails only if the user must change an option. */
  readonly read: Effect.Effect<Uint8Array | undefined, DhtError>
  /** Replaces it, all or nothing. Fails with a reason for the log. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, string>
}

/** The nodes are written first after this time, for a process that is killed. */
const FIRST_SAVE_AFTER = "1 minute"
const SAVE_INTERVAL = "10 minutes"

/** A store may be on the network. The client starts and ends without it then. */
const READ_LIMIT = "500 millis"
const WRITE_LIMIT = "2 seconds"

/** The nodes in the storage; none, with a warning, if they are damaged or cannot be read. */
export const load = Effect.fnUntraced(function* (
  storage: NodeStorage,
  boundTo: string,
): Effect.fn.Return<ReadonlyArray<SeenNode>, DhtError> {
  const bytes = yield* Effect.timeoutOrElse(storage.read, {
    duration: READ_LIMIT,
    orElse: () => Effect.as(Effect.logWarning(`${storage.name} was not read within ${READ_LIMIT}`), undefined),
  })
  if (bytes === undefined) return []
  const nodes = decodeKept(bytes, { boundTo, now: yield* Clock.currentTimeMillis })
  if (nodes === undefined && bytes.length > 0)
    yield* Effect.logWarning(`${storage.name} is damaged; it will be replaced`)
  return nodes ?? []
})

/** Writes the nodes now and then and when the scope closes, unless none is known. Failures are logged. */
export const keep = (
  storage: NodeStorage,
  nodes: Effect.Effect<ReadonlyArray<SeenNode>>,
): Effect.Effect<void, never, Scope.Scope> => {
  const save = Effect.gen(function* () {
    const known = yield* nodes
    if (known.length === 0) return
    const isWritten = yield* Effect.timeoutOption(storage.write(encodeKept(known)), WRITE_LIMIT)
    if (isWritten._tag === "None") yield* Effect.fail(`it took longer than ${WRITE_LIMIT}`)
  }).pipe(Effect.catch((reason) => Effect.logWarning(`${storage.name} was not written: ${reason}`)))
  return Effect.gen(function* () {
    yield* Effect.addFinalizer(() => save)
    yield* save.pipe(Effect.repeat(Schedule.spaced(SAVE_INTERVAL)), Effect.delay(FIRST_SAVE_AFTER), Effect.forkScoped)
  })
}

/** The storage in a KeyValueStore, with one key for each list of bootstrap nodes: other networks have other nodes. */
export const inKeyValueStore = (store: KeyValueStore, bootstrap: ReadonlyArray<DhtAddress>): NodeStorage => {
  const list = bootstrap.map(({ host, port }) => `${host.toLowerCase()}:${port}`).sort()
  const network = createHash("sha1").update(list.join(",")).digest("hex").slice(0, 12)
  const key = `topic-tracker/dht-nodes/${network}`
  const name = `KeyValueStore: the value of ${key}`
  // A store of the user's may fail in any way, also with a defect.
  const withReason = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, string> =>
    Effect.catchCause(effect, (cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.fail(reasonOf(Cause.squash(cause))),
    )
  return {
    name,
    read: Effect.suspend(() => withReason(store.getUint8Array(key))).pipe(
      // Longer bytes are not ours, and are not looked at.
      Effect.map((bytes) => (bytes === undefined ? undefined : bytes.subarray(0, MAX_KEPT_BYTES + 1))),
      Effect.catch((reason) => Effect.as(Effect.logWarning(`${name} was not read: ${reason}`), undefined)),
    ),
    write: (bytes) => Effect.suspend(() => withReason(store.set(key, bytes))),
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
