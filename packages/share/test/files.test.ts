/** Contents in files: what is there after a crash, and everything that can be in the way of a file. In memory otherwise, in real time. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Scope, Stream } from "effect"
import {
  type FetchEvent,
  type ShareError,
  type ShareLimitsInput,
  type ShareService,
  ShareStorage,
} from "../src/index.ts"
import { PIECE_BYTES } from "../src/tree/pieces.ts"
import { bytesOf, contentOf, makeMemoryWorld, shareNode } from "./world.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "share-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true })),
)

const files = (directory: string): Layer.Layer<ShareStorage> =>
  ShareStorage.layerFiles({ directory }).pipe(Layer.provide(NodeServices.layer), Layer.orDie)

const setUp = Effect.fnUntraced(function* (limits: ShareLimitsInput = {}) {
  const world = yield* makeMemoryWorld()
  const dir = yield* folder
  const bytes = contentOf(5 * PIECE_BYTES + 123)
  const path = join(dir, "tides.bin")
  yield* Effect.promise(() => writeFile(path, bytes))
  const a = yield* shareNode(world, { storage: files(join(dir, "a")), limits })
  const b = (options: { readonly limits?: object } = {}) =>
    shareNode(world, { knows: [a.id], storage: files(join(dir, "b")), ...options })
  return { world, dir, bytes, path, a, b }
})

const fetched = (
  node: ShareService,
  ...args: Parameters<ShareService["fetch"]>
): Effect.Effect<Array<FetchEvent>, ShareError> =>
  Stream.runCollect(node.fetch(...args)).pipe(
    Effect.map((events) => [...events]),
    Effect.timeout("10 seconds"),
    Effect.catchTag("TimeoutError", Effect.die),
  )

const test = (name: string, body: Effect.Effect<void, unknown, Scope.Scope>) => it.live(name, () => Effect.scoped(body))

const read = (path: string) => Effect.promise(() => readFile(path))

/** A fetch takes some seconds, so that it can be cut. */
const SLOW = { uploadBytesPerSecond: 2 * PIECE_BYTES }

describe("files", () => {
  test(
    "a file arrives under the name that is asked for, and nothing else stays",
    Effect.gen(function* () {
      const { a, b: make, bytes, dir, path } = yield* setUp()
      const shared = yield* a.share({ path })
      assert.strictEqual(shared.name, "tides.bin")
      const b = yield* make()
      const to = join(dir, "copy.bin")
      const events = yield* fetched(b, shared.hash, { to })
      assert.deepInclude(events[events.length - 1], { _tag: "Done", path: to, size: bytes.length, name: "tides.bin" })
      assert.deepStrictEqual(new Uint8Array(yield* read(to)), bytes)
      assert.deepStrictEqual((yield* Effect.promise(() => readdir(dir))).sort(), ["copy.bin", "tides.bin"])
      // The content is here: another fetch copies it.
      const second = yield* fetched(b, shared.hash, { to: join(dir, "second.bin") })
      assert.deepInclude(second[0], { _tag: "Found", resumed: bytes.length })
      assert.deepStrictEqual(new Uint8Array(yield* read(join(dir, "second.bin"))), bytes)
      assert.deepStrictEqual(yield* bytesOf(b, shared.hash), bytes)
    }),
  )

  test(
    "without a name it is kept under its hash; a Stream is kept while it is shared",
    Effect.gen(function* () {
      const { a, b: make, bytes, dir } = yield* setUp()
      const { hash } = yield* a.share(Stream.make(bytes.subarray(0, 300_000), bytes.subarray(300_000)))
      const b = yield* make()
      const events = yield* fetched(b, hash)
      assert.deepInclude(events[events.length - 1], { path: join(dir, "b", hash) })
      assert.deepStrictEqual(new Uint8Array(yield* read(join(dir, "b", hash))), bytes)
      yield* a.kill
      for (const left of yield* Effect.promise(() => readdir(join(dir, "a"), { recursive: true })))
        assert.notInclude(left, "stream-")
    }),
  )

  test(
    "a fetch goes on after a crash: pieces that are damaged on the disk are fetched again",
    Effect.gen(function* () {
      const { a, b: make, bytes, dir, path } = yield* setUp(SLOW)
      const { hash, uploaded } = yield* a.share({ path })
      const to = join(dir, "copy.bin")
      // A receiver of which nothing but the files is left.
      const first = yield* make()
      yield* first.fetch(hash, { to }).pipe(
        Stream.takeUntil(({ _tag }) => _tag === "Found"),
        Stream.runDrain,
      )
      yield* first.kill
      const before = yield* uploaded
      const log = yield* read(`${to}.part.pieces`)
      // As if all pieces were there: none of them is believed without its bytes.
      const entries = Buffer.from([
        0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 9, 9, 0,
      ])
      yield* Effect.promise(() => writeFile(`${to}.part.pieces`, Buffer.concat([log, entries])))
      const damaged = bytes.slice()
      damaged[2 * PIECE_BYTES + 5]! ^= 1
      yield* Effect.promise(() => writeFile(`${to}.part`, damaged))
      const second = yield* make()
      const events = yield* fetched(second, hash, { to })
      assert.deepInclude(
        events.find(({ _tag }) => _tag === "Found"),
        { resumed: bytes.length - PIECE_BYTES },
      )
      assert.strictEqual((yield* uploaded) - before, PIECE_BYTES)
      assert.deepStrictEqual(new Uint8Array(yield* read(to)), bytes)
    }),
  )

  test(
    "a partial file that was cut, and one without its list, begin anew",
    Effect.gen(function* () {
      const { a, b: make, bytes, dir, path } = yield* setUp()
      const { hash } = yield* a.share({ path })
      const to = join(dir, "copy.bin")
      yield* Effect.promise(() => writeFile(`${to}.part`, "something"))
      yield* Effect.promise(() => writeFile(`${to}.part.pieces`, "no list"))
      const b = yield* make()
      yield* fetched(b, hash, { to })
      assert.deepStrictEqual(new Uint8Array(yield* read(to)), bytes)
    }),
  )
})

describe("what is in the way", () => {
  const reasonOf = <A>(effect: Effect.Effect<A, ShareError, Scope.Scope>) =>
    Effect.map(Effect.flip(Effect.scoped(effect)), ({ message, reason }) => ({ reason, message }))

  test(
    "is told",
    Effect.gen(function* () {
      const { a, b: make, dir, path } = yield* setUp(SLOW)
      const { hash } = yield* a.share({ path })
      const b = yield* make()
      const to = join(dir, "copy.bin")
      yield* Effect.promise(() => writeFile(to, "mine"))
      assert.deepInclude(yield* reasonOf(fetched(b, hash, { to })), {
        reason: "AlreadyExists",
        message: `${to}: exists already`,
      })
      assert.strictEqual(String(yield* read(to)), "mine")
      const nowhere = join(dir, "no", "such", "file")
      assert.deepInclude(yield* reasonOf(fetched(b, hash, { to: nowhere })), { reason: "NotFound" })
      const through = join(path, "file")
      assert.deepInclude(yield* reasonOf(fetched(b, hash, { to: through })), { reason: "Storage" })
      const asDirectory = join(dir, "d.part")
      yield* Effect.promise(() => mkdir(asDirectory))
      assert.deepInclude(yield* reasonOf(fetched(b, hash, { to: join(dir, "d") })), { reason: "AlreadyExists" })
      assert.deepInclude(yield* reasonOf(a.share({ path: dir })), { reason: "NotFound", message: `${dir}: is no file` })
      assert.deepInclude(yield* reasonOf(a.share({ path: nowhere })), { reason: "NotFound" })
      yield* Effect.promise(() => symlink(join(dir, "nothing"), join(dir, "link")))
      assert.deepInclude(yield* reasonOf(fetched(b, hash, { to: join(dir, "link") })), { reason: "AlreadyExists" })
      // Another content was begun there.
      const other = yield* a.share(contentOf(3 * PIECE_BYTES))
      const begun = join(dir, "begun")
      yield* b.fetch(other.hash, { to: begun }).pipe(
        Stream.takeUntil(({ _tag }) => _tag === "Found"),
        Stream.runDrain,
      )
      assert.deepInclude(yield* reasonOf(fetched(b, hash, { to: begun })), { reason: "AlreadyExists" })
    }),
  )

  test(
    "a file that changes while it is shared is given to nobody",
    Effect.gen(function* () {
      const { a, b: make, dir, path } = yield* setUp()
      const { hash } = yield* a.share({ path })
      yield* Effect.promise(() => truncate(path, 1_000))
      const b = yield* make()
      const error = yield* reasonOf(fetched(b, hash, { to: join(dir, "copy.bin"), timeout: "2 seconds" }))
      assert.strictEqual(error.reason, "NobodyHasIt")
      assert.deepInclude(yield* a.stats, { contents: 0, bytesSent: 0 })
      assert.deepInclude(yield* b.stats, { wrongPieces: 0 })
    }),
  )
})
