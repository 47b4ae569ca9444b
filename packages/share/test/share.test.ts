/** Contents among members, over the network in memory under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, type Scope, Stream } from "effect"
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
      // At most four pieces were on their way when it was killed.
      assert.isAtMost(yield* uploaded, 44 * PIECE_BYTES)
    }))
})

describe("a storage that is full", () => {
  test("fails the fetch with NoSpace, and what is there stays for the next one", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(6 * PIECE_BYTES)
      const a = yield* shareNode(world)
      const { hash, uploaded } = yield* a.share(bytes)
      const small = yield* Effect.provide(ShareStorage, ShareStorage.layerMemory({ maxBytes: 4 * PIECE_BYTES }))
      const b = yield* shareNode(world, { knows: [a.id], storage: Layer.succeed(ShareStorage, small) })
      for (let i = 0; i < 2; i++) {
        const events: Array<FetchEvent> = []
        const error = yield* Effect.flip(fetchIn(world, b, hash, {}, (event) => void events.push(event)))
        assert.strictEqual(error.reason, "NoSpace")
        const found = events.find(({ _tag }) => _tag === "Found")
        assert.isTrue(found?._tag === "Found" && found.resumed === i * 4 * PIECE_BYTES, `fetch ${i}`)
      }
      assert.isAtMost(yield* uploaded, 12 * PIECE_BYTES)
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

describe("a peer that says it has all and gives nothing", () => {
  test("costs some seconds, and the others give it", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(12 * PIECE_BYTES)
      const a = yield* shareNode(world)
      const { hash } = yield* a.share(bytes)
      const mute = yield* liarOf(world, bytes, () => undefined)
      const b = yield* shareNode(world, { knows: [mute, a.id] })
      const before = yield* Clock.currentTimeMillis
      const events = yield* fetchIn(world, b, hash)
      assert.strictEqual(lastOf(events)?._tag, "Done")
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 15_000)
      assert.deepStrictEqual(yield* bytesOf(b, hash), bytes)
    }))

  test("not even what the content is, is not waited for", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(2 * PIECE_BYTES)
      const mute = yield* liarOf(world, bytes, () => undefined, { isMute: true })
      const a = yield* shareNode(world)
      const { hash } = yield* Effect.scoped(a.share(bytes))
      const b = yield* shareNode(world, { knows: [mute, a.id] })
      const fetching = yield* Effect.forkChild(Stream.runCollect(b.fetch(hash)))
      // By now the mute one has been asked, and the other one has said that it has nothing.
      for (let i = 0; i < 100; i++) yield* world.pass
      yield* a.share(bytes)
      for (let i = 0; i < 800; i++) yield* world.pass
      assert.strictEqual(lastOf([...(yield* Fiber.join(fetching))])?._tag, "Done")
    }))

  test("alone ends the fetch after two minutes", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(3 * PIECE_BYTES)
      const mute = yield* liarOf(world, bytes, () => undefined)
      const a = yield* shareNode(world)
      const { hash } = yield* Effect.scoped(a.share(bytes))
      const b = yield* shareNode(world, { knows: [mute] })
      const error = yield* Effect.flip(fetchIn(world, b, hash))
      assert.strictEqual(error.reason, "NobodyHasIt")
      assert.match(error.message, /no peer gave a piece for \d+ s; 0 of 786432 bytes are here/)
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
