import { mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { FolderStore, userCacheFolder } from "@topic-tracker/dht"
import { Effect } from "effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"

/** A folder that is there, and a store in a folder below it that is not. */
const make = Effect.gen(function* () {
  const parent = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "store-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true })),
  )
  const folder = join(parent, "a", "b")
  const store = yield* Effect.provide(KeyValueStore.KeyValueStore, FolderStore.layer(folder))
  return { folder, store }
})

const refused = <A>(effect: Effect.Effect<A, KeyValueStore.KeyValueStoreError>) =>
  Effect.map(Effect.flip(effect), ({ message }) => message)

describe("the store in a folder", () => {
  it.live("keeps text and bytes, under any key, for its user only", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* make
      assert.strictEqual(yield* store.size, 0)
      assert.isUndefined(yield* store.get("a"))
      yield* store.set("a/../b c", "text ü")
      yield* store.set("bytes", Uint8Array.of(0, 255))
      yield* store.set("..", "dots")
      assert.strictEqual(yield* store.get("a/../b c"), "text ü")
      assert.deepStrictEqual(yield* store.getUint8Array("bytes"), Uint8Array.of(0, 255))
      assert.deepStrictEqual([...(yield* store.keys)].sort(), ["..", "a/../b c", "bytes"])
      const modes = yield* Effect.promise(async () => [
        (await stat(folder)).mode & 0o777,
        (await stat(join(folder, "bytes.value"))).mode & 0o777,
      ])
      assert.deepStrictEqual(modes, [0o700, 0o600])
      yield* store.remove("bytes")
      assert.isFalse(yield* store.has("bytes"))
    }),
  )

  it.live("many writers at once leave one whole value and nothing else", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* make
      const values = Array.from({ length: 30 }, (_, i) => `${i}`.repeat(10_000))
      yield* Effect.forEach(values, (value) => store.set("key", value), { concurrency: "unbounded" })
      assert.include(values, yield* store.get("key"))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["key.value"])
    }),
  )

  it.live("leaves files of others alone, and refuses what is no value", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* make
      yield* store.set("key", "value")
      yield* Effect.promise(async () => {
        await writeFile(join(folder, "mine.txt"), "mine")
        await writeFile(join(folder, "large.value"), new Uint8Array((1 << 20) + 1))
        await symlink("/dev/zero", join(folder, "endless.value"))
      })
      assert.include(yield* refused(store.get("large")), "more than 1048576 bytes")
      assert.include(yield* refused(store.get("endless")), "not a regular file")
      assert.include(yield* refused(store.set("key", new Uint8Array((1 << 20) + 1))), "at most 1048576 bytes")
      assert.include(yield* refused(store.set("", "x")), "1 to 200 bytes")
      assert.include(yield* refused(store.set("ü".repeat(50), "x")), "1 to 200 bytes")
      yield* store.clear
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["mine.txt"])
    }),
  )
})

describe("the user's cache folder", () => {
  const folder = (platform: NodeJS.Platform, env: Record<string, string>, home: string | undefined = "/home/me") =>
    userCacheFolder("program", { platform, env, home })

  it("is that of the system", () => {
    assert.strictEqual(folder("linux", {}), "/home/me/.cache/program")
    assert.strictEqual(folder("linux", { XDG_CACHE_HOME: "/x" }), "/x/program")
    assert.strictEqual(folder("linux", { XDG_CACHE_HOME: "relative" }), "/home/me/.cache/program")
    assert.strictEqual(folder("darwin", {}), "/home/me/Library/Caches/program")
    assert.strictEqual(folder("darwin", { XDG_CACHE_HOME: "/x" }), "/x/program")
    assert.strictEqual(folder("win32", { LOCALAPPDATA: "/local" }), "/local/program")
    assert.strictEqual(folder("win32", { XDG_CACHE_HOME: "/x" }), "/home/me/AppData/Local/program")
  })

  it("is none for a user without a home", () => {
    assert.isUndefined(userCacheFolder("program", { platform: "linux", env: {}, home: undefined }))
    assert.isUndefined(userCacheFolder("program", { platform: "linux", env: {}, home: "" }))
    assert.strictEqual(typeof userCacheFolder("program"), "string")
  })
})
