/** Tests of connections for other application protocols than gossip's, and of two-way streams. */
import { assert, describe } from "@effect/vitest"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Exit, Scope } from "effect"
import type { BiStream, Connection, GossipTransport, ReceiveStream, SendStream } from "../../../src/index.ts"
import { freshTopic, inTime, isJoined, type Runner, text, until, type World } from "../world.ts"

const ALPN = "/topic-tracker/test/1"

type Transport = GossipTransport["Service"]

/** Listens for a protocol and keeps what happens. */
const listening = Effect.fnUntraced(function* (transport: Transport, alpn?: string) {
  const connections: Array<{ readonly connection: Connection; readonly isDialled: boolean }> = []
  const failed: Array<EndpointId.EndpointId> = []
  yield* transport.listen(
    {
      connected: (connection, isDialled) => connections.push({ connection, isDialled }),
      dialFailed: (peer) => failed.push(peer),
    },
    alpn === undefined ? {} : { alpn },
  )
  return { connections, failed }
})

/** The two ends of a connection of the test's protocol. */
const connected = Effect.fnUntraced(function* (world: World) {
  const [a, b] = [yield* world.bare, yield* world.bare]
  const [atA, atB] = [yield* listening(a, ALPN), yield* listening(b, ALPN)]
  a.dial(b.endpointId, { alpn: ALPN })
  yield* until(world, "both are connected", () =>
    Effect.sync(() => atA.connections.length > 0 && atB.connections.length > 0),
  )
  return [atA.connections[0]!.connection, atB.connections[0]!.connection] as const
})

const openBi = (connection: Connection) =>
  Effect.callback<BiStream | undefined>((resume) => connection.openBi((stream) => resume(Effect.succeed(stream))))
const acceptBi = (connection: Connection) =>
  Effect.callback<BiStream | undefined>((resume) => connection.acceptBi((stream) => resume(Effect.succeed(stream))))
const write = (stream: SendStream, bytes: Uint8Array) =>
  Effect.callback<boolean>((resume) => stream.write(bytes, (isAlive) => resume(Effect.succeed(isAlive))))

/** Everything up to the end of the stream, and the code if the peer reset it. */
const readAll = (stream: ReceiveStream) =>
  Effect.callback<{ readonly bytes: number; readonly text: string; readonly resetCode: number | undefined }>(
    (resume) => {
      const chunks: Array<Uint8Array> = []
      let bytes = 0
      const next = (): void =>
        stream.read((chunk, resetCode) => {
          if (chunk === undefined) {
            const content = Buffer.concat(chunks).toString()
            resume(Effect.succeed({ bytes, text: content, resetCode }))
            return
          }
          bytes += chunk.length
          if (bytes < 100_000) chunks.push(chunk)
          setImmediate(next)
        })
      next()
    },
  )

export const protocols = (it: Runner): void => {
  describe("with another application protocol next to gossip", () => {
    it("gives each handler the connections of its protocol", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.bare, yield* world.bare]
        const [gossipAtA, gossipAtB] = [yield* listening(a), yield* listening(b)]
        const [otherAtA, otherAtB] = [yield* listening(a, ALPN), yield* listening(b, ALPN)]
        a.dial(b.endpointId)
        a.dial(b.endpointId, { alpn: ALPN })
        yield* until(world, "all are connected", () =>
          Effect.sync(() =>
            [gossipAtA, gossipAtB, otherAtA, otherAtB].every(({ connections }) => connections.length === 1),
          ),
        )
        assert.deepStrictEqual(
          [gossipAtA, gossipAtB, otherAtA, otherAtB].map(({ connections: [one] }) => [
            one!.connection.alpn,
            one!.isDialled,
          ]),
          [
            ["/iroh-gossip/1", true],
            ["/iroh-gossip/1", false],
            [ALPN, true],
            [ALPN, false],
          ],
        )
      }))

    it("refuses a protocol that has no handler, and after the handler's scope has closed", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.bare, yield* world.bare]
        const atA = yield* listening(a, ALPN)
        yield* listening(a)
        yield* listening(b)
        a.dial(b.endpointId, { alpn: ALPN })
        yield* until(world, "the dial has failed", () => Effect.sync(() => atA.failed.length === 1))
        const scope = yield* Scope.make()
        const atB = yield* listening(b, ALPN).pipe(Scope.provide(scope))
        a.dial(b.endpointId, { alpn: ALPN })
        yield* until(world, "it is connected", () => Effect.sync(() => atB.connections.length === 1))
        let isGone = false
        atA.connections[0]!.connection.onClosed(() => {
          isGone = true
        })
        yield* inTime(world, "the scope closes", Scope.close(scope, Exit.void))
        yield* until(world, "the connection is closed", () => Effect.sync(() => isGone))
        a.dial(b.endpointId, { alpn: ALPN })
        yield* until(world, "the next dial has failed", () => Effect.sync(() => atA.failed.length === 2))
      }))

    it("does not disturb gossip", (world) =>
      Effect.gen(function* () {
        const [a, bare] = [yield* world.node(), yield* world.bare]
        const id = freshTopic()
        const b = yield* world.node()
        const [atA, atB] = [yield* a.open(id), yield* b.open(id)]
        const other = yield* listening(bare, ALPN)
        bare.dial(a.endpointId, { alpn: ALPN })
        yield* until(world, "the dial has failed", () => Effect.sync(() => other.failed.length === 1))
        yield* atB.join([a.endpointId])
        yield* until(world, "they are joined", () => isJoined(atA))
        assert.strictEqual((yield* a.stats).connections, 1)
      }))
  })

  describe("a two-way stream", () => {
    it("carries bytes both ways, and each direction ends on its own", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* connected(world)
        const ours = (yield* inTime(world, "it opens", openBi(a)))!
        const accepting = acceptBi(b)
        yield* write(ours.send, text("question"))
        const theirs = (yield* inTime(world, "it is accepted", accepting))!
        ours.send.finish()
        const question = yield* inTime(world, "the question is read", readAll(theirs.receive))
        assert.deepStrictEqual(question, { bytes: 8, text: "question", resetCode: undefined })
        yield* write(theirs.send, text("answer, "))
        yield* write(theirs.send, text("in two parts"))
        theirs.send.finish()
        const answer = yield* inTime(world, "the answer is read", readAll(ours.receive))
        assert.deepStrictEqual(answer, { bytes: 20, text: "answer, in two parts", resetCode: undefined })
      }))

    it("brings what was written to the reader when it is ended at once, while the write is in progress", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* connected(world)
        b.limitStreams({ bi: 1_000 })
        const answering = Effect.gen(function* () {
          const theirs = (yield* acceptBi(b))!
          theirs.send.write(text("answer"), () => {})
          theirs.send.finish()
          yield* Effect.forkChild(readAll(theirs.receive))
        })
        yield* Effect.forkChild(Effect.forever(answering))
        const asking = Effect.gen(function* () {
          const ours = (yield* openBi(a))!
          ours.send.write(text("question"), () => {})
          ours.send.finish()
          return (yield* readAll(ours.receive)).text
        })
        const answers = yield* inTime(
          world,
          "all are answered",
          Effect.all(
            Array.from({ length: 500 }, () => asking),
            { concurrency: 20 },
          ),
        )
        assert.deepStrictEqual(
          answers.filter((answer) => answer !== "answer"),
          [],
        )
      }))

    it("is seen by the peer when it ends without a byte", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* connected(world)
        const ours = (yield* inTime(world, "it opens", openBi(a)))!
        ours.send.finish()
        const theirs = (yield* inTime(world, "it is accepted", acceptBi(b)))!
        assert.strictEqual((yield* inTime(world, "it is read", readAll(theirs.receive))).bytes, 0)
        yield* write(theirs.send, text("still"))
        theirs.send.finish()
        assert.strictEqual((yield* inTime(world, "it is answered", readAll(ours.receive))).text, "still")
      }))

    it("brings the code of a reset to the reader, and the code of a stop to the writer", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* connected(world)
        const ours = (yield* inTime(world, "it opens", openBi(a)))!
        yield* write(ours.send, text("x"))
        const theirs = (yield* inTime(world, "it is accepted", acceptBi(b)))!
        const stops: Array<number> = []
        ours.send.onStopped((code) => stops.push(code))
        theirs.receive.stop(77)
        yield* until(world, "the stop is there", () => Effect.sync(() => stops.length > 0))
        assert.deepStrictEqual(stops, [77])
        assert.isFalse(yield* inTime(world, "a write fails", write(ours.send, text("y"))))
        // The other direction goes on until it is reset.
        yield* write(theirs.send, text("z"))
        const first = yield* inTime(
          world,
          "the byte is read",
          Effect.callback<string>((resume) =>
            ours.receive.read((bytes) => resume(Effect.succeed(Buffer.from(bytes ?? []).toString()))),
          ),
        )
        assert.strictEqual(first, "z")
        theirs.send.reset(123)
        const { resetCode } = yield* inTime(world, "the reset is read", readAll(ours.receive))
        assert.strictEqual(resetCode, 123)
      }))

    it("makes the writer wait for a reader that does not read", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* connected(world)
        b.limitStreams({ unreadBytes: 10_000_000 })
        const ours = (yield* inTime(world, "it opens", openBi(a)))!
        const chunk = new Uint8Array(65_536)
        let written = 0
        const writeOn = (): void =>
          ours.send.write(chunk, (isAlive) => {
            written += chunk.length
            if (isAlive && written < 6_000_000) setImmediate(writeOn)
            else ours.send.finish()
          })
        writeOn()
        const theirs = (yield* inTime(world, "it is accepted", acceptBi(b)))!
        for (let i = 0; i < 100; i++) yield* world.pass
        const before = written
        assert.isBelow(before, 4_000_000)
        for (let i = 0; i < 20; i++) yield* world.pass
        assert.strictEqual(written, before)
        const { bytes } = yield* inTime(world, "all is read", readAll(theirs.receive))
        assert.isAtLeast(bytes, 6_000_000)
      }))

    it("ends for both sides with the connection", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* connected(world)
        const ours = (yield* inTime(world, "it opens", openBi(a)))!
        yield* write(ours.send, text("x"))
        const theirs = (yield* inTime(world, "it is accepted", acceptBi(b)))!
        const reading = [readAll(ours.receive), readAll(theirs.receive)]
        const accepting = acceptBi(b)
        b.close()
        assert.isUndefined(yield* inTime(world, "accepting ends", accepting))
        for (const one of reading) {
          assert.isUndefined((yield* inTime(world, "reading ends", one)).resetCode)
        }
        yield* until(world, "no stream opens", () => Effect.map(openBi(a), (stream) => stream === undefined))
      }))

    it("opens only when the peer allows one more", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* connected(world)
        const streams: Array<BiStream> = []
        for (let i = 0; i < 130; i++) a.openBi((stream) => stream !== undefined && streams.push(stream))
        yield* until(world, "100 are open", () => Effect.sync(() => streams.length === 100))
        for (let i = 0; i < 20; i++) yield* world.pass
        assert.lengthOf(streams, 100)
        b.limitStreams({ bi: 120 })
        yield* until(world, "120 are open", () => Effect.sync(() => streams.length === 120))
        // QUIC gives leave for more only after some have ended.
        for (const ours of [...streams]) {
          ours.send.finish()
          yield* Effect.forkChild(readAll(ours.receive), { startImmediately: true })
        }
        for (let i = 0; i < 40; i++) {
          const theirs = (yield* inTime(world, "one is accepted", acceptBi(b)))!
          theirs.send.finish()
          yield* inTime(world, "it ends there", readAll(theirs.receive))
        }
        yield* until(world, "more are open", () => Effect.sync(() => streams.length > 120))
      }))
  })
}
