/** Known nodes in a program's KeyValueStore: the next start needs no bootstrap node, and no content of the store prevents a start. */
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Dht, type DhtConfig } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Context, Duration, Effect, Layer, Logger, Stream } from "effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { decodeKept } from "../src/storage/nodesCodec.ts"

type Options = Partial<DhtConfig.DhtOptions>

const newStore = Effect.scoped(
  Effect.map(Layer.build(Layer.fresh(KeyValueStore.layerMemory)), (context) =>
    Context.get(context, KeyValueStore.KeyValueStore),
  ),
)

/** Runs `use` with a client that keeps its nodes in the store, and returns the warnings. */
const run = Effect.fnUntraced(function* <A, E>(
  store: KeyValueStore.KeyValueStore,
  options: Options,
  use: Effect.Effect<A, E, Dht>,
) {
  const warnings: Array<string> = []
  const logger = Logger.make(({ message }) => void warnings.push(String(message)))
  yield* use.pipe(
    Effect.provide(Dht.layer({ host: "127.0.0.1", retries: 0, ...options })),
    Effect.provideService(KeyValueStore.KeyValueStore, store),
    Effect.provide(Logger.layer([logger])),
  )
  return warnings
})

const lookup = Effect.flatMap(Dht, (dht) => Stream.runDrain(dht.get({ publicKey: new Uint8Array(32).fill(1) })))

describe("nodes in a KeyValueStore", () => {
  it.live("make the next start a warm one, without bootstrap nodes", () =>
    Effect.gen(function* () {
      const store = yield* newStore
      const net = yield* DhtTestnet.make({ nodes: 10 })
      const knownNodes = net.addresses.map((address, i) => ({ ...address, id: new Uint8Array(20).fill(i) }))
      assert.deepStrictEqual(yield* run(store, { bootstrap: [], knownNodes }, lookup), [])
      const [key, ...others] = yield* store.keys
      assert.match(key ?? "", /^topic-tracker\/dht-nodes\/[0-9a-f]{12}$/)
      assert.deepStrictEqual(others, [])
      const bytes = yield* store.getUint8Array(key ?? "")
      assert.lengthOf(decodeKept(bytes!, { boundTo: "127.0.0.1", now: Date.now() }) ?? [], 10)
      assert.deepStrictEqual(yield* run(store, { bootstrap: [] }, lookup), [])
      // Another network has other nodes.
      yield* run(store, { bootstrap: net.addresses.slice(0, 1) }, lookup)
      assert.lengthOf(yield* store.keys, 2)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("a store that fails, hangs or has other content costs a warning and half a second at most", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 3 })
      const error = new KeyValueStore.KeyValueStoreError({ method: "get", message: "no connection" })
      const never = Effect.never
      for (const [get, set, expected] of [
        [Effect.fail(error), Effect.fail(error), ["was not read: no connection", "was not written: no connection"]],
        [Effect.die(new Error("broken")), Effect.die("broken"), ["was not read: broken", "was not written: broken"]],
        [never, never, ["was not read within 500 millis", "was not written: it took longer than 2 seconds"]],
        [
          Effect.succeed(new TextEncoder().encode("x".repeat(100_000))),
          Effect.void,
          ["is damaged; it will be replaced"],
        ],
        [Effect.succeed(new Uint8Array(0)), Effect.void, []],
        [Effect.sync(() => JSON.parse("{")), Effect.void, ["was not read: Expected property name"]],
      ] as const) {
        const store = KeyValueStore.make({
          ...(yield* newStore),
          getUint8Array: () => get,
          set: () => set,
        })
        const [time, warnings] = yield* Effect.timed(run(store, { bootstrap: net.addresses.slice(0, 1) }, lookup))
        assert.lengthOf(warnings, expected.length)
        for (const [i, text] of expected.entries()) assert.include(warnings[i], text)
        if (get !== never) assert.isBelow(Duration.toMillis(time), 2_000)
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
