import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Dht, type DhtAddress } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Logger, Stream } from "effect"
import { vi } from "vitest"
import { keep as keepIn } from "../src/storage/NodeStorage.ts"
import { decodeKept, encodeKept, type SeenNode } from "../src/storage/nodesCodec.ts"
import { inFile } from "../src/storage/nodesFile.ts"
import { client } from "./clients.ts"

const NOW = Math.floor(Date.now() / 60_000) * 60_000
const node = (last: number, host = `8.8.4.${last}`): SeenNode => ({
  id: new Uint8Array(20).fill(last),
  host,
  port: 6881,
  seenAt: NOW,
})
const decode = (bytes: Uint8Array, boundTo = "0.0.0.0") => decodeKept(bytes, { boundTo, now: NOW })
const keep = (path: string, nodes: () => ReadonlyArray<SeenNode>) => keepIn(inFile(path), Effect.sync(nodes))

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nodes-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true })),
)

const renaming = vi.hoisted(() => ({ failure: undefined as string | undefined }))
vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs/promises")>()
  const rename: typeof original.rename = (from, to) =>
    renaming.failure === undefined
      ? original.rename(from, to)
      : Promise.reject(Object.assign(new Error("rename"), { code: renaming.failure }))
  return { ...original, rename }
})

/** Runs a client with this file until it has found nodes. */
const start = (nodesFile: string, bootstrap: DhtAddress) =>
  Effect.flatMap(Dht, (dht) => dht.bootstrapped).pipe(
    Effect.provide(Dht.layer({ bootstrap: [bootstrap], retries: 0, nodesFile })),
    Effect.provide(Logger.layer([])),
  )

describe("the file of DHT nodes", () => {
  it.live("makes the next start a warm one, without bootstrap nodes", () =>
    Effect.gen(function* () {
      const nodesFile = join(yield* directory, "nodes")
      const net = yield* DhtTestnet.make({ nodes: 10 })
      const start = <A, E>(use: Effect.Effect<A, E, Dht>, bootstrap = [net.addresses[0]!]) =>
        use.pipe(Effect.provide(Dht.layer({ bootstrap, host: "127.0.0.1", retries: 0, nodesFile })))
      const lookup = Effect.flatMap(Dht, (dht) => Stream.runDrain(dht.get({ publicKey: new Uint8Array(32).fill(1) })))
      yield* start(lookup)
      const { mode, size } = yield* Effect.promise(() => stat(nodesFile))
      assert.strictEqual(mode & 0o777, 0o600)
      assert.strictEqual(size, 28 + 30 * 10)
      yield* start(lookup, [])
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
      assert.isTrue(saved.some((nodes) => Buffer.from(encodeKept(nodes)).equals(bytes)))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["nodes"])
    }),
  )

  it.live("leaves no other file behind if it was not written", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "nodes")
      yield* Effect.promise(() => mkdir(path))
      yield* Effect.scoped(keep(path, () => [node(1)])).pipe(Effect.provide(Logger.layer([])))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["nodes"])
    }),
  )

  it.live("is not replaced if it is not ours, and the client starts without it", () =>
    Effect.gen(function* () {
      const nodesFile = join(yield* directory, "nodes")
      const net = yield* DhtTestnet.make({ nodes: 3 })
      for (const content of ["something else", "D", "x".repeat(20_000)]) {
        yield* Effect.promise(() => writeFile(nodesFile, content))
        yield* start(nodesFile, net.addresses[0]!)
        assert.strictEqual(yield* Effect.promise(() => readFile(nodesFile, "utf8")), content)
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("is replaced if it is empty, or ours and damaged", () =>
    Effect.gen(function* () {
      const nodesFile = join(yield* directory, "nodes")
      const net = yield* DhtTestnet.make({ nodes: 3 })
      for (const content of [new Uint8Array(0), encodeKept([node(1), node(2)]).slice(0, 50)]) {
        yield* Effect.promise(() => writeFile(nodesFile, content))
        yield* start(nodesFile, net.addresses[0]!)
        const bytes = yield* Effect.promise(() => readFile(nodesFile))
        assert.isNotEmpty(decode(bytes, "127.0.0.1") ?? [])
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("is written behind symbolic links, which stay, also if it does not exist yet", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const [real, link, second] = ["real", "link", "second"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ]
      yield* Effect.promise(() => symlink("real", link))
      yield* Effect.promise(() => symlink(link, second))
      for (const nodes of [[node(1)], [node(2), node(3)]]) {
        yield* Effect.scoped(keep(second, () => nodes))
        assert.deepStrictEqual(decode(yield* Effect.promise(() => readFile(real))), nodes)
        assert.strictEqual(yield* Effect.promise(() => readlink(link)), "real")
        assert.strictEqual(yield* Effect.promise(() => readlink(second)), link)
      }
      assert.deepStrictEqual((yield* Effect.promise(() => readdir(folder))).sort(), ["link", "real", "second"])
    }),
  )

  it.live.each(["EBUSY", "EXDEV", "EACCES"])("is written in place if renaming fails with %s", (code) =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "nodes")
      yield* Effect.scoped(keep(path, () => [node(1), node(2), node(3)]))
      const { ino } = yield* Effect.promise(() => stat(path))
      renaming.failure = code
      yield* Effect.scoped(keep(path, () => [node(4)]))
      renaming.failure = undefined
      assert.deepStrictEqual(decode(yield* Effect.promise(() => readFile(path))), [node(4)])
      assert.strictEqual((yield* Effect.promise(() => stat(path))).ino, ino)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["nodes"])
    }),
  )

  it.live("is refused with an error if it is a device or a folder", () =>
    Effect.gen(function* () {
      for (const nodesFile of ["/dev/null", yield* directory]) {
        const error = yield* Effect.flip(client({ bootstrap: [], nodesFile }))
        assert.strictEqual(error.reason, "InvalidArgument")
        assert.include(error.message, "is not a regular file")
      }
      assert.isTrue((yield* Effect.promise(() => stat("/dev/null"))).isCharacterDevice())
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
