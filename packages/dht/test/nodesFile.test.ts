import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Logger, Stream } from "effect"
import { decodeFile, encodeFile, keep } from "../src/routing/nodesFile.ts"

const node = (last: number, host = `8.8.4.${last}`) => ({ id: new Uint8Array(20).fill(last), host, port: 6881 })

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nodes-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true })),
)

describe("the file of DHT nodes", () => {
  it("holds nodes byte for byte, and no more than 500", () => {
    const nodes = [node(1), node(2)]
    assert.deepStrictEqual(decodeFile(encodeFile(nodes), "0.0.0.0"), nodes)
    const many = Array.from({ length: 600 }, (_, i) => node(i % 250))
    assert.strictEqual(decodeFile(encodeFile(many), "0.0.0.0")?.length, 500)
  })

  it("is refused when anything in it is altered, missing or added", () => {
    const bytes = encodeFile([node(1), node(2)])
    for (let i = 0; i < bytes.length; i++) {
      const altered = bytes.slice()
      altered[i] = altered[i]! ^ 1
      assert.isUndefined(decodeFile(altered, "0.0.0.0"))
      assert.isUndefined(decodeFile(bytes.subarray(0, i), "0.0.0.0"))
    }
    assert.isUndefined(decodeFile(Buffer.concat([bytes, new Uint8Array(26)]), "0.0.0.0"))
  })

  it("cannot send a public client into a private network", () => {
    const bytes = encodeFile([node(1), node(2, "127.0.0.1"), node(3, "192.168.0.1")])
    assert.deepStrictEqual(decodeFile(bytes, "0.0.0.0"), [node(1)])
    assert.strictEqual(decodeFile(bytes, "127.0.0.1")?.length, 3)
  })

  it.live("makes the next start a warm one, without bootstrap nodes", () =>
    Effect.gen(function* () {
      const nodesFile = join(yield* directory, "nodes")
      const net = yield* DhtTestnet.make({ nodes: 10 })
      const start = <A, E>(use: Effect.Effect<A, E, Dht>, bootstrap = [net.addresses[0]!]) =>
        use.pipe(Effect.provide(Dht.layer({ bootstrap, host: "127.0.0.1", retries: 0, nodesFile })))
      const walk = Effect.flatMap(Dht, (dht) => Stream.runDrain(dht.get({ publicKey: new Uint8Array(32).fill(1) })))
      yield* start(walk)
      const { mode, size } = yield* Effect.promise(() => stat(nodesFile))
      assert.strictEqual(mode & 0o777, 0o600)
      assert.strictEqual(size, 28 + 26 * 10)
      yield* start(walk, [])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("stays whole when several clients write it at once", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "nodes")
      const warnings: Array<unknown> = []
      const logger = Logger.make(({ message }) => void warnings.push(message))
      const saved = Array.from({ length: 30 }, (_, i) => Array.from({ length: 500 - 10 * i }, () => node(i + 1)))
      const keepers = Effect.forEach(saved, (nodes) => Effect.scoped(keep(path, () => nodes)), {
        concurrency: "unbounded",
      })
      yield* keepers.pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(warnings, [])
      const bytes = yield* Effect.promise(() => readFile(path))
      assert.isTrue(saved.some((nodes) => Buffer.from(encodeFile(nodes)).equals(bytes)))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["nodes"])
    }),
  )

  it.live("that cannot be written leaves nothing beside it", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "nodes")
      yield* Effect.promise(() => mkdir(path))
      yield* Effect.scoped(keep(path, () => [node(1)])).pipe(Effect.provide(Logger.layer([])))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["nodes"])
    }),
  )

  it.live("that is no such file is no reason not to start, and is replaced", () =>
    Effect.gen(function* () {
      const nodesFile = join(yield* directory, "nodes")
      yield* Effect.promise(() => writeFile(nodesFile, "something else"))
      const net = yield* DhtTestnet.make({ nodes: 3 })
      yield* Effect.flatMap(Dht, (dht) => dht.bootstrapped).pipe(
        Effect.provide(Dht.layer({ bootstrap: [net.addresses[0]!], retries: 0, nodesFile })),
      )
      const bytes = yield* Effect.promise(() => readFile(nodesFile))
      assert.isNotEmpty(decodeFile(bytes, "127.0.0.1") ?? [])
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
