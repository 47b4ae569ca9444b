/** Contents among members, over the network in memory under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ContentHash, type FetchEvent, ShareError, ShareStorage } from "../src/index.ts"
import { PIECE_BYTES } from "../src/tree/pieces.ts"
import { encode } from "../src/wire/messages.ts"
import { bytesOf, contentOf, fetchIn, inTime, liarOf, makeMemoryWorld, shareNode, until, type World } from "./world.ts"

const test = (name: string, body: (world: World) => Effect.Effect<void, unknown, Scope.Scope>, timeout?: number) =>
  it.effect(name, () => Effect.flatMap(makeMemoryWorld({ link: () => ({ delayMs: 5 }) }), body), timeout)

const lastOf = (events: ReadonlyArray<FetchEvent>) => events[events.length - 1]

describe("a content", () => {
  test("of any size arrives as it is, with its name", (world) =>
    Effect.gen(function* () {
      const a = yield* shareNode(world)
      const b = yield* shareNode(world, { knows: [a.id] })
      for (const size of [0, 1, 5_000, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 77]) {
        const bytes = contentOf(size, size + 1)
        const shared = yield* a.share(bytes, { name: "tides.bin" })
        const events = yield* fetchIn(world, b, shared.hash)
        assert.deepInclude(lastOf(events), { _tag: "Done", size, name: "tides.bin" }, `${size} bytes`)
        assert.deepStrictEqual(yield* bytesOf(b, shared.hash), bytes, `${size} bytes`)
        assert.strictEqual(yield* shared.uploaded, size)
      }
      assert.deepInclude(yield* b.stats, { violations: 0, wrongPieces: 0 })
    }))

  test("can be a Stream; progress says how far it is", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(6 * PIECE_BYTES + 1_000)
      const a = yield* shareNode(world, { limits: { uploadBytesPerSecond: PIECE_BYTES } })
      const b = yield* shareNode(world, { knows: [a.id] })
      const chunks = Array.from({ length: 17 }, (_, i) => bytes.subarray(i * 100_000, (i + 1) * 100_000))
      const { hash, size } = yield* a.share(Stream.fromIterable(chunks))
      assert.strictEqual(size, bytes.length)
      const events = yield* fetchIn(world, b, hash)
      const found = events.find(({ _tag }) => _tag === "Found")
      assert.deepInclude(found, { size: bytes.length, resumed: 0 })
      const progress = events.flatMap((event) => (event._tag === "Progress" ? [event] : []))
      assert.isAtLeast(progress.length, 5)
      for (const [i, { verified }] of progress.entries()) {
        assert.isAbove(verified, progress[i - 1]?.verified ?? 0)
        assert.isAtMost(verified, size)
      }
      // One piece a second.
      assert.closeTo(progress[4]!.bytesPerSecond, PIECE_BYTES, PIECE_BYTES / 2)
      assert.deepStrictEqual(yield* bytesOf(b, hash), bytes)
    }))

  test("is found at a peer that a neighbour knows, and at one that gets it later", (world) =>
    Effect.gen(function* () {
      const a = yield* shareNode(world)
      const between = yield* shareNode(world, { knows: [a.id] })
      const b = yield* shareNode(world, { knows: [between.id] })
      const bytes = contentOf(PIECE_BYTES * 2)
      const { hash } = yield* Effect.scoped(a.share(bytes))
      const fetching = yield* Effect.forkChild(fetchIn(world, b, hash, { timeout: "2 minutes" }))
      for (let i = 0; i < 500; i++) yield* world.pass
      assert.isUndefined(fetching.pollUnsafe())
      yield* a.share(bytes)
      assert.strictEqual(lastOf(yield* Fiber.join(fetching))?._tag, "Done")
    }))

  test("that is shared no more is not given, and a Share that ends ends its fetches", (world) =>
    Effect.gen(function* () {
      const a = yield* shareNode(world)
      const b = yield* shareNode(world, { knows: [a.id] })
      const { hash } = yield* Effect.scoped(a.share(contentOf(1_000)))
      const error = yield* Effect.flip(fetchIn(world, b, hash, { timeout: "5 seconds" }))
      assert.deepInclude(error, { _tag: "ShareError", reason: "NobodyHasIt" })
      assert.include(error.message, "no peer has it; 1 were asked")
      assert.deepInclude(yield* a.stats, { contents: 0, streams: 0 })
    }))
})

describe("a fetch that was killed", () => {
  test("goes on where it was, and asks for nothing twice", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(40 * PIECE_BYTES)
      const a = yield* shareNode(world, { limits: { uploadBytesPerSecond: 8 * PIECE_BYTES } })
      const { hash, uploaded } = yield* a.share(bytes)
      const storage = ShareStorage.layerMemory()
      const kept = yield* Effect.provide(ShareStorage, storage)
      const same = Layer.succeed(ShareStorage, kept)
      const first = yield* shareNode(world, { knows: [a.id], storage: same })
      let verified = 0
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(first.fetch(hash), (event) =>
          Effect.sync(() => {
            if (event._tag === "Progress") verified = event.verified
          }),
        ),
      )
      yield* until(world, "a third is there", () => verified >= 13 * PIECE_BYTES)
      yield* first.kill
      yield* Fiber.interrupt(fiber)
      const second = yield* shareNode(world, { knows: [a.id], storage: same })
      const events = yield* fetchIn(world, second, hash)
      const found = events.find(({ _tag }) => _tag === "Found")
      assert.isTrue(found?._tag === "Found" && found.resumed >= verified)
      assert.deepStrictEqual(yield* bytesOf(second, hash), bytes)
      // What was on its way when it was killed: at most four pieces.
      assert.isAtMost(yield* uploaded, 44 * PIECE_BYTES)
    }))
})

describe("receivers", () => {
  test("serve each other when the source leaves, if they have all pieces together", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(24 * PIECE_BYTES)
      const a = yield* shareNode(world, { limits: { uploadBytesPerSecond: 12 * PIECE_BYTES } })
      const { hash, uploaded } = yield* a.share(bytes)
      // They are slow to each other, so no one has all when the source has given each piece once.
      const limits = { uploadBytesPerSecond: 2 * PIECE_BYTES }
      const receivers = []
      for (let i = 0; i < 5; i++) {
        const others: ReadonlyArray<{ readonly id: typeof a.id }> = receivers
        receivers.push(yield* shareNode(world, { knows: [a.id, ...others.map(({ id }) => id)], limits }))
      }
      const done = new Set<number>()
      const fibers = []
      for (const [i, each] of receivers.entries()) {
        fibers.push(
          yield* Effect.forkChild(Effect.tap(fetchIn(world, each, hash), () => Effect.sync(() => done.add(i)))),
        )
      }
      for (let i = 0; i < 5_000 && (yield* uploaded) < bytes.length; i++) yield* world.pass
      for (let i = 0; i < 100; i++) yield* world.pass
      assert.strictEqual(done.size, 0)
      yield* a.kill
      for (const [i, fiber] of fibers.entries()) {
        assert.strictEqual(lastOf(yield* Fiber.join(fiber))?._tag, "Done")
        assert.deepStrictEqual(yield* bytesOf(receivers[i]!, hash), bytes)
      }
    }))

  // The source is ten times as fast as each of them: rarest first alone would take most copies from it.
  test("of 20 take at most 3 copies from a fast source", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(24 * PIECE_BYTES)
      const a = yield* shareNode(world, { limits: { uploadBytesPerSecond: 200 * PIECE_BYTES } })
      const { hash, uploaded } = yield* a.share(bytes)
      const receivers = []
      for (let i = 0; i < 20; i++) {
        receivers.push(yield* shareNode(world, { knows: [a.id], limits: { uploadBytesPerSecond: 20 * PIECE_BYTES } }))
      }
      const fibers = yield* Effect.forEach(receivers, (each) => Effect.forkChild(Stream.runCollect(each.fetch(hash))))
      for (let i = 0; i < 5_000 && fibers.some((each) => each.pollUnsafe() === undefined); i++) yield* world.pass
      for (const fiber of fibers) assert.strictEqual(lastOf([...(yield* Fiber.join(fiber))])?._tag, "Done")
      const copies = (yield* uploaded) / bytes.length
      assert.isAtMost(copies, 3)
      assert.isAtLeast(copies, 1)
      for (const each of receivers) assert.deepInclude(yield* each.stats, { violations: 0, wrongPieces: 0 })
    }))
})

describe("a peer that lies", () => {
  test("about a piece is found out at that piece, and the others give it", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(12 * PIECE_BYTES)
      const a = yield* shareNode(world, { limits: { uploadBytesPerSecond: 2 * PIECE_BYTES } })
      const { hash } = yield* a.share(bytes)
      const liar = yield* liarOf(world, bytes, (_, piece) => piece.map((byte) => byte ^ 1))
      const b = yield* shareNode(world, { knows: [liar, a.id] })
      const events = yield* fetchIn(world, b, hash)
      assert.deepStrictEqual(
        events.flatMap((event) => (event._tag === "WrongPiece" ? [event.peer] : [])),
        [liar],
      )
      assert.deepStrictEqual(yield* bytesOf(b, hash), bytes)
    }))
})

describe("a peer that lies about the content as a whole", () => {
  for (const [what, change] of [
    ["a row that does not lead to the hash", { values: (values: Uint8Array) => values.map((byte) => byte ^ 1) }],
    ["another size", { size: (size: number) => size - 1 }],
    ["two halves of the tree as two pieces", { size: () => 2 * PIECE_BYTES }],
  ] as const) {
    test(`with ${what} is not believed, and the others give it`, (world) =>
      Effect.gen(function* () {
        const bytes = contentOf(4 * PIECE_BYTES)
        const a = yield* shareNode(world)
        const { hash } = yield* a.share(bytes)
        const liar = yield* liarOf(world, bytes, (_, piece) => piece, change)
        const alone = yield* shareNode(world, { knows: [liar] })
        const error = yield* Effect.flip(fetchIn(world, alone, hash, { timeout: "5 seconds" }))
        assert.strictEqual(error.reason, "ContentMismatch")
        const b = yield* shareNode(world, { knows: [liar, a.id] })
        assert.strictEqual(lastOf(yield* fetchIn(world, b, hash))?._tag, "Done")
        assert.deepStrictEqual(yield* bytesOf(b, hash), bytes)
      }))
  }
})

describe("errors", () => {
  test("say what is wrong", (world) =>
    Effect.gen(function* () {
      const a = yield* shareNode(world, { limits: { maxContents: 1 } })
      const b = yield* shareNode(world, { knows: [a.id], limits: { maxContentBytes: 999 } })
      const { hash } = yield* a.share(contentOf(1_000))
      const reasonOf = <A>(effect: Effect.Effect<A, unknown, Scope.Scope>) =>
        Effect.map(Effect.flip(Effect.scoped(effect)), (error) => (error instanceof ShareError ? error.reason : error))
      assert.strictEqual(yield* reasonOf(fetchIn(world, b, hash, { timeout: "3 seconds" })), "TooLarge")
      assert.strictEqual(yield* reasonOf(b.share(contentOf(1_000))), "TooLarge")
      assert.strictEqual(yield* reasonOf(b.share(Stream.make(contentOf(500), contentOf(500)))), "TooLarge")
      assert.strictEqual(yield* reasonOf(a.share(contentOf(5))), "TooMany")
      assert.strictEqual(yield* reasonOf(a.share({ path: "nothing" })), "NotFound")
      assert.strictEqual(yield* reasonOf(a.share(contentOf(5), { name: "x".repeat(256) })), "InvalidArgument")
      assert.strictEqual(yield* reasonOf(fetchIn(world, b, "abc" as ContentHash)), "InvalidArgument")
      assert.strictEqual(yield* reasonOf(fetchIn(world, b, hash, { timeout: 0 })), "InvalidArgument")
      assert.strictEqual(yield* reasonOf(shareNode(world, { limits: { maxPeers: 0 } })), "InvalidArgument")
      const nobody = ContentHash.make("ab".repeat(32))
      const one = yield* Effect.forkChild(reasonOf(fetchIn(world, b, nobody, { timeout: "3 seconds" })))
      yield* world.pass
      assert.strictEqual(yield* reasonOf(fetchIn(world, b, nobody)), "AlreadyFetching")
      assert.strictEqual(yield* Fiber.join(one), "NobodyHasIt")
      yield* b.peers.leave
      yield* world.pass
      assert.strictEqual(yield* reasonOf(fetchIn(world, b, nobody)), "Closed")
    }))
})

describe("a stranger", () => {
  test("whom `allow` does not admit gets nothing", (world) =>
    Effect.gen(function* () {
      const a = yield* shareNode(world, { allow: () => Effect.succeed(false) })
      const b = yield* shareNode(world, { knows: [a.id] })
      const { hash, uploaded } = yield* a.share(contentOf(10_000))
      const error = yield* Effect.flip(fetchIn(world, b, hash, { timeout: "5 seconds" }))
      assert.strictEqual(error.reason, "NobodyHasIt")
      assert.strictEqual(yield* uploaded, 0)
    }))

  test("that sends what is no message, wants too much, or is silent, loses its stream and nothing else", (world) =>
    Effect.gen(function* () {
      const a = yield* shareNode(world)
      const { hash } = yield* a.share(contentOf(20 * PIECE_BYTES))
      const b = yield* world.node({ secret: "s" })
      const open = encode({ _tag: "Open", hash: Uint8Array.from(Buffer.from(hash, "hex")) })
      const wants = Array.from({ length: 9 }, (_, piece) => encode({ _tag: "Want", piece }))
      const cases: ReadonlyArray<ReadonlyArray<Uint8Array>> = [
        [Uint8Array.of(0, 0, 0, 1, 99)],
        [Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 10)],
        [open, open],
        [open, encode({ _tag: "Want", piece: 20 })],
        [open, encode({ _tag: "Piece", piece: 1, bytes: contentOf(PIECE_BYTES) })],
        [open, encode({ _tag: "AskValues", first: 5 })],
      ]
      for (const [i, messages] of cases.entries()) {
        const socket = yield* inTime(world, "it is open", b.connect(a.id, { protocol: "~share/1" }))
        const over = yield* Effect.forkChild(
          Effect.scoped(
            Effect.gen(function* () {
              const { pull } = yield* socket.reader
              const writer = yield* socket.writer
              for (const message of messages) yield* writer.write(message)
              yield* Effect.forever(pull)
            }),
          ).pipe(Effect.exit),
        )
        yield* until(world, `case ${i} is over`, () => over.pollUnsafe() !== undefined)
        yield* world.pass
        assert.strictEqual((yield* a.stats).violations, i + 1, `case ${i}`)
      }
      // Pieces that were not offered are refused, however many are wanted: four are on offer.
      const socket = yield* inTime(world, "it is open", b.connect(a.id, { protocol: "~share/1" }))
      const { pull } = yield* socket.reader
      const writer = yield* socket.writer
      yield* writer.write(open)
      for (const want of wants) yield* writer.write(want)
      yield* Effect.forkChild(Effect.ignore(Effect.forever(pull)))
      for (let i = 0; i < 50; i++) yield* world.pass
      assert.isAtMost((yield* a.stats).bytesSent, 4 * PIECE_BYTES)
      assert.strictEqual((yield* a.stats).streams, 1)
      yield* TestClock.adjust("121 seconds")
      for (let i = 0; i < 50; i++) yield* world.pass
      assert.strictEqual((yield* a.stats).streams, 0)
    }))
})
