import { existsSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { CACHE_VARIABLE, withNodeCache } from "@topic-tracker/cli-kit"
import { ConfigProvider, Context, Effect, Layer, Option } from "effect"
import { KeyValueStore } from "effect/persistence/KeyValueStore"

/** What a node's layer sees. */
class Seen extends Context.Service<Seen, { readonly store: Option.Option<KeyValueStore> }>()("test/Seen") {}

const node = Layer.effect(
  Seen,
  Effect.map(Effect.serviceOption(KeyValueStore), (store) => ({ store })),
)

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "cache-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true })),
)

const PUBLIC = [{ host: "router.example", port: 6881 }]

const storeWith = (cache: string | undefined, env: Record<string, string> = {}, bootstrap = PUBLIC) =>
  Effect.map(Seen, ({ store }) => store).pipe(
    Effect.provide(withNodeCache(node, { bootstrap, cache: Option.fromUndefinedOr(cache) })),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
  )

describe("the cache of known DHT nodes", () => {
  it.live("is a folder that is made at the first write", () =>
    Effect.gen(function* () {
      const parent = yield* folder
      const store = Option.getOrThrow(yield* storeWith(join(parent, "sub")))
      assert.isFalse(existsSync(join(parent, "sub")))
      yield* store.set("key", "value")
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(join(parent, "sub"))), ["key.value"])
    }),
  )

  it.live("follows the option, then the variable, then the user's cache folder", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* folder, yield* folder]
      const fromOption = Option.getOrThrow(yield* storeWith(one, { [CACHE_VARIABLE]: other }))
      yield* fromOption.set("option", "x")
      const fromVariable = Option.getOrThrow(yield* storeWith(undefined, { [CACHE_VARIABLE]: other }))
      yield* fromVariable.set("variable", "x")
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(one)), ["option.value"])
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(other)), ["variable.value"])
      assert.isTrue(Option.isSome(yield* storeWith(undefined)))
      assert.isTrue(Option.isSome(yield* storeWith(undefined, { [CACHE_VARIABLE]: "" })))
    }),
  )

  it.live("is none if it is switched off, or if the DHT is on this host only", () =>
    Effect.gen(function* () {
      const path = yield* folder
      assert.isTrue(Option.isNone(yield* storeWith("none", { [CACHE_VARIABLE]: path })))
      assert.isTrue(Option.isNone(yield* storeWith(undefined, { [CACHE_VARIABLE]: "none" })))
      assert.isTrue(Option.isNone(yield* storeWith(path, {}, [{ host: "127.0.0.1", port: 1 }])))
      assert.isTrue(Option.isSome(yield* storeWith(path, {}, [])))
    }),
  )
})
