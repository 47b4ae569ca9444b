/**
 * A KeyValueStore in a folder of Node.js, for caches of programs: a file for each key, replaced all or nothing and readable by its user
 * only. Effect's own `layerFileSystem` writes in place, so that a process that is killed leaves half of a value.
 */
import { mkdir, open, readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { codeOf, replaceFile } from "./replaceFile.ts"

/** Of this store. Other files in the folder are not touched. */
const SUFFIX = ".value"

/** File systems allow names of 255 bytes; a name under way is 41 bytes longer. */
const MAX_NAME_BYTES = 200

/** The most bytes of a value, read or written. */
const MAX_VALUE_BYTES = 1 << 20

/**
 * The store in this folder. The folder is made at the first write, for its user only. A key has at most 200 bytes as a part of a URI,
 * a value 1 MiB. `clear` removes the values of this store and no other files.
 * @since 0.1.0
 * @example
 * ```ts
 * Dht.layer().pipe(Layer.provide(FolderStore.layer("/home/me/.cache/my-program")))
 * ```
 */
export const layer = (folder: string): Layer.Layer<KeyValueStore.KeyValueStore> =>
  Layer.sync(KeyValueStore.KeyValueStore, () => make(folder))

const make = (folder: string): KeyValueStore.KeyValueStore => {
  const attempt = <A>(method: string, key: string | undefined, run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) => {
        const message = `${folder}: ${codeOf(cause)}`
        return new KeyValueStore.KeyValueStoreError({ method, message, cause, ...(key === undefined ? {} : { key }) })
      },
    })
  const names = () =>
    readdir(folder).then(
      (files) => files.filter((file) => file.endsWith(SUFFIX)),
      (error) => {
        if (codeOf(error) === "ENOENT") return []
        throw error
      },
    )
  const read = async (key: string): Promise<Uint8Array | undefined> => {
    const path = join(folder, nameOf(key))
    try {
      // Before it is opened: opening a pipe would wait for its writer.
      if (!(await stat(path)).isFile()) throw new Error(`${path} is not a regular file`)
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined
      throw error
    }
    const file = await open(path, "r")
    try {
      const buffer = new Uint8Array(MAX_VALUE_BYTES + 1)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
      if (bytesRead > MAX_VALUE_BYTES) throw new Error(`${path} has more than ${MAX_VALUE_BYTES} bytes`)
      return buffer.slice(0, bytesRead)
    } finally {
      await file.close()
    }
  }
  return KeyValueStore.make({
    get: (key) =>
      Effect.map(
        attempt("get", key, () => read(key)),
        (bytes) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes)),
      ),
    getUint8Array: (key) => attempt("getUint8Array", key, () => read(key)),
    set: (key, value) =>
      attempt("set", key, async () => {
        const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value
        if (bytes.length > MAX_VALUE_BYTES) throw new Error(`a value has at most ${MAX_VALUE_BYTES} bytes`)
        const path = join(folder, nameOf(key))
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await replaceFile(path, bytes)
      }),
    remove: (key) => attempt("remove", key, () => rm(join(folder, nameOf(key)), { force: true })),
    clear: attempt("clear", undefined, async () => {
      for (const name of await names()) await rm(join(folder, name), { force: true })
    }),
    size: Effect.map(attempt("size", undefined, names), ({ length }) => length),
    keys: Effect.map(attempt("keys", undefined, names), (files) =>
      files.flatMap((file) => keyOf(file.slice(0, -SUFFIX.length)) ?? []),
    ),
  })
}

/** A name of the store itself: `.` and `..` do not end with {@link SUFFIX}, and no other separator is left. */
const nameOf = (key: string): string => {
  const name = encodeURIComponent(key)
  if (name.length === 0 || name.length > MAX_NAME_BYTES)
    throw new Error(`a key has 1 to ${MAX_NAME_BYTES} bytes as a part of a URI`)
  return `${name}${SUFFIX}`
}

const keyOf = (name: string): string | undefined => {
  try {
    return decodeURIComponent(name)
  } catch {
    return undefined
  }
}
