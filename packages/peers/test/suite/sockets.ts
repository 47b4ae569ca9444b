/** Sockets between peers, over every transport, after the contracts of Effect's Socket and SocketServer. */
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Schedule, Scope } from "effect"
import { Socket, SocketServer } from "effect/socket"
import { layerSocketServer, Peers, RemotePeer } from "../../src/index.ts"
import { admitAll, inTime, type Runner, type TestPeers, until, type World } from "../world.ts"

const text = new TextDecoder()

/** Everything that the socket receives until its end, and the code of the end. */
const readAll = (socket: Socket.Socket) =>
  Effect.gen(function* () {
    const pull = yield* Socket.readerBytes(socket)
    let bytes = 0
    let content = ""
    while (true) {
      const next = yield* Effect.result(pull)
      if (next._tag === "Failure") return { bytes, content, end: endOf(next.failure) }
      for (const chunk of next.success) {
        bytes += chunk.length
        if (bytes < 10_000) content += text.decode(chunk)
      }
    }
  })

const endOf = ({ reason }: Socket.SocketError): string =>
  reason._tag === "SocketCloseError" ? `${reason.code} ${reason.closeReason ?? ""}`.trim() : reason._tag

/** Sends back what comes. */
const echo = (socket: Socket.Socket) =>
  Effect.gen(function* () {
    const writer = yield* socket.writer
    const { pull } = yield* socket.reader
    while (true) for (const chunk of yield* pull) yield* writer.write(chunk)
  }).pipe(Effect.scoped)

const pair = Effect.fnUntraced(function* (world: World) {
  return [yield* world.node({ allow: admitAll }), yield* world.node({ allow: admitAll })] as const
})

const connected = Effect.fnUntraced(function* (world: World, a: TestPeers, b: TestPeers, protocol: string) {
  const accepted = yield* Deferred.make<Socket.Socket>()
  const done = yield* Deferred.make<void, string>()
  yield* b.serve({ protocol }, ({ socket }) => Effect.andThen(Deferred.succeed(accepted, socket), Deferred.await(done)))
  const ours = yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol }))
  return { ours, theirs: yield* inTime(world, "it is accepted", Deferred.await(accepted)), done }
})

/** Waits until the node has accepted so many streams. */
const accepted = (world: World, node: TestPeers, count: number) =>
  inTime(
    world,
    `${count} streams are accepted`,
    node.stats.pipe(
      Effect.filterOrFail((stats) => stats.accepted >= count),
      Effect.retry({ schedule: Schedule.spaced(5) }),
    ),
  )

export const sockets = (it: Runner): void => {
  describe("a socket", () => {
    it("carries bytes both ways; the peer's reader ends with 1000 after a half-close, and it can still write", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const { done, ours, theirs } = yield* connected(world, a, b, "talk")
        const reading = yield* Effect.forkChild(readAll(ours))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* ours.writer
            yield* writer.write("ques")
            yield* writer.writeAll(["ti", new TextEncoder().encode("on")])
          }),
        )
        const heard = yield* inTime(world, "the question is read", readAll(theirs))
        assert.deepStrictEqual(heard, { bytes: 8, content: "question", end: "1000" })
        const writer = yield* theirs.writer
        yield* writer.write("answer")
        yield* Deferred.succeed(done, undefined)
        const answer = yield* inTime(world, "the answer is read", Fiber.join(reading))
        assert.deepStrictEqual(answer, { bytes: 6, content: "answer", end: "1000" })
      }))

    it("brings the code and the reason of a close event to the peer", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const { ours, theirs } = yield* connected(world, a, b, "talk")
        const writer = yield* ours.writer
        yield* writer.write("last words")
        yield* writer.write(new Socket.CloseEvent(4_321, "enough"))
        const heard = yield* inTime(world, "it is read", readAll(theirs))
        assert.deepStrictEqual(heard, { bytes: 10, content: "last words", end: "4321 enough" })
        const late = yield* Effect.flip(writer.write("x"))
        assert.strictEqual(late.reason._tag, "SocketWriteError")
        assert.strictEqual((yield* inTime(world, "our reader ends", readAll(ours))).end, "4321 enough")
      }))

    it("gives the peer 1011 when the handler fails, 1001 when it is interrupted", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const scope = yield* Scope.make()
        const failing = yield* connected(world, a, b, "failing")
        yield* b.serve({ protocol: "interrupted" }, () => Effect.never).pipe(Scope.provide(scope))
        const interrupted = yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol: "interrupted" }))
        yield* accepted(world, b, 2)
        yield* Deferred.fail(failing.done, "no")
        assert.strictEqual((yield* inTime(world, "it fails", readAll(failing.ours))).end, "1011")
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* inTime(world, "it is interrupted", readAll(interrupted))).end, "1001")
      }))

    it("fails a suspended pull with 1006 when the reader's scope closes, and ends the stream for the peer", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const { ours, theirs } = yield* connected(world, a, b, "talk")
        const scope = yield* Scope.make()
        const { pull } = yield* ours.reader.pipe(Scope.provide(scope))
        const pulling = yield* Effect.forkChild(Effect.flip(pull))
        for (let i = 0; i < 5; i++) yield* world.pass
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(endOf(yield* inTime(world, "the pull fails", Fiber.join(pulling))), "1006")
        assert.strictEqual((yield* inTime(world, "the peer's reader ends", readAll(theirs))).end, "1000")
        const again = yield* Effect.flip(Effect.scoped(ours.reader))
        assert.strictEqual(again.reason._tag, "SocketOpenError")
      }))

    it("takes a pull back when it is interrupted, and loses nothing", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const { ours, theirs } = yield* connected(world, a, b, "talk")
        const { pull } = yield* ours.reader
        const pulling = yield* Effect.forkChild(pull)
        for (let i = 0; i < 5; i++) yield* world.pass
        yield* Fiber.interrupt(pulling)
        const writer = yield* theirs.writer
        yield* writer.write("kept")
        const [chunk] = yield* inTime(world, "it is read", pull)
        assert.strictEqual(text.decode(chunk as Uint8Array), "kept")
      }))

    it("makes a writer wait for its reader and nothing else, and an interrupted write ends the stream at once", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const { ours, theirs } = yield* connected(world, a, b, "stalled")
        yield* b.serve({ protocol: "echo" }, ({ socket }) => echo(socket))
        const scope = yield* Scope.make()
        const { pull } = yield* ours.reader.pipe(Scope.provide(scope))
        yield* Effect.forkChild(Effect.exit(pull))
        const writer = yield* ours.writer
        let written = 0
        const writing = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (written < 10_000_000) {
              yield* writer.write(new Uint8Array(10_000))
              written += 10_000
            }
          }),
        )
        // Six writes fit into the first window of 64 KiB.
        yield* until(world, "the window is full", () => written === 60_000)
        const before = written
        for (let i = 0; i < 20; i++) yield* world.pass
        assert.strictEqual(written, before)
        // Another stream to the same peer goes on.
        const other = yield* inTime(world, "another connects", a.connect(b.endpointId, { protocol: "echo" }))
        const otherWriter = yield* other.writer
        const otherReader = yield* other.reader
        yield* otherWriter.write("hello")
        const [chunk] = yield* inTime(world, "it is echoed", otherReader.pull)
        assert.strictEqual(text.decode(chunk as Uint8Array), "hello")
        yield* Fiber.interrupt(writing)
        yield* Scope.close(scope, Exit.fail("stop"))
        assert.strictEqual((yield* inTime(world, "the peer's reader ends", readAll(theirs))).end, "1011")
      }))

    it("carries more than its windows, and the window grows while the reader keeps up", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const { done, ours, theirs } = yield* connected(world, a, b, "bulk")
        const size = 3_000_000
        yield* Effect.forkChild(
          Effect.gen(function* () {
            const writer = yield* theirs.writer
            for (let at = 0; at < size; at += 100_000) yield* writer.write(new Uint8Array(100_000))
            yield* Deferred.succeed(done, undefined)
          }),
        )
        const heard = yield* inTime(world, "all is read", readAll(ours))
        assert.strictEqual(heard.bytes, size)
        assert.strictEqual(heard.end, "1000")
      }))
  })

  describe("a connection", () => {
    it("ends all sockets of a node that goes, and `socket` dials again", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const { ours } = yield* connected(world, a, b, "talk")
        const again = a.socket(b.endpointId, { protocol: "talk" })
        const first = yield* Effect.forkChild(Effect.scoped(readAll(again)))
        yield* accepted(world, b, 2)
        yield* Effect.forkChild(b.close)
        assert.match((yield* inTime(world, "the first ends", readAll(ours))).end, /^(1006|4001|1001|1000)/)
        assert.match((yield* inTime(world, "the second ends", Fiber.join(first))).end, /^(1006|4001|1001|1000)/)
      }))

    it("carries all streams to a peer, whoever dialled, and many at a time", (world) =>
      Effect.gen(function* () {
        const limits = { maxStreamsPerPeer: 300, maxStreams: 300, openingsPerSecond: 1_000, openingBurst: 1_000 }
        const a = yield* world.node({ allow: admitAll, limits })
        const b = yield* world.node({ allow: admitAll, limits })
        yield* a.serve({ protocol: "echo" }, ({ socket }) => echo(socket))
        yield* b.serve({ protocol: "echo" }, ({ socket }) => echo(socket))
        const ask = (from: TestPeers, to: TestPeers, i: number) =>
          Effect.gen(function* () {
            const socket = yield* from.connect(to.endpointId, { protocol: "echo" })
            const writer = yield* socket.writer
            const { pull } = yield* socket.reader
            yield* writer.write(`${i}`)
            const [chunk] = yield* pull
            return text.decode(chunk as Uint8Array)
          })
        yield* inTime(world, "the first is answered", ask(a, b, -1))
        const answers = yield* inTime(
          world,
          "all are answered",
          Effect.forEach(
            Array.from({ length: 200 }, (_, i) => i),
            (i) => (i % 2 === 0 ? ask(a, b, i) : ask(b, a, i)),
            { concurrency: "unbounded" },
          ),
        )
        assert.deepStrictEqual(
          answers,
          answers.map((_, i) => `${i}`),
        )
        assert.strictEqual((yield* a.stats).connections, 1)
        assert.strictEqual((yield* b.stats).dials, 0)
      }))
  })

  describe("a socket server", () => {
    it("runs a handler for each peer, which knows the peer", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* pair(world)
        const seen: Array<unknown> = []
        const server = layerSocketServer({ protocol: "served" }).pipe(Layer.provide(Layer.succeed(Peers, b)))
        yield* Effect.gen(function* () {
          const { run } = yield* SocketServer.SocketServer
          return yield* run((socket) =>
            Effect.gen(function* () {
              seen.push(yield* Effect.serviceOption(RemotePeer))
              yield* echo(socket)
            }),
          )
        }).pipe(Effect.provide(server), Effect.forkChild({ startImmediately: true }))
        const socket = yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol: "served" }))
        const writer = yield* socket.writer
        const { pull } = yield* socket.reader
        yield* writer.write("hello")
        const [chunk] = yield* inTime(world, "it is echoed", pull)
        assert.strictEqual(text.decode(chunk as Uint8Array), "hello")
        assert.deepStrictEqual(seen, [Option.some(a.endpointId)])
      }))
  })
}
