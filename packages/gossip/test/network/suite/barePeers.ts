/** Tests of a node with a peer without gossip: the peer's connections, and bytes that no node would send. */
import { assert, describe } from "@effect/vitest"
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { type Connection, Protocol, type ReceiveStream, type SendStream } from "../../../src/index.ts"
import { freshTopic, isJoined, joinedInLine, type Runner, recorded, text, until, type World } from "../world.ts"

export const barePeers = (it: Runner): void => {
  describe("with a peer that is only a transport", () => {
    it("sends on the newer of two connections, and when it ends on the older, without a NeighborDown", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const id = freshTopic()
        const atA = yield* a.open(id)
        const heard = yield* recorded(atA)
        const bare = yield* bareConnections(world, a)
        const [older, newer] = [yield* bare.connect, yield* bare.connect]
        yield* (yield* older.openStream).write(frames(headerOf(id), joinFrame))
        yield* until(world, "it is a neighbour", () => isJoined(atA))
        yield* until(world, "the answer is there", () => Effect.sync(() => newer.received() > 0))
        assert.strictEqual(older.received(), 0)
        assert.strictEqual((yield* a.stats).connections, 2)
        newer.close()
        yield* until(world, "the newer is gone", () => Effect.map(a.stats, ({ connections }) => connections === 1))
        yield* atA.broadcast(text("still here?"))
        yield* until(world, "it comes over the older", () => Effect.sync(() => older.received() > 0))
        older.close()
        yield* until(world, "it is missed", () => Effect.map(isJoined(atA), (joined) => !joined))
        const [up, down] = heard.events
        assert(heard.events.length === 2 && up?._tag === "NeighborUp")
        assert.deepStrictEqual(down, { _tag: "NeighborDown", peer: up.peer, reason: "lost" })
      }))

    it("lets a peer back into a topic after its Disconnect, also when the Disconnect is read later", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const [id, other] = [freshTopic(), freshTopic()]
        const [atA, alsoAtA] = [yield* a.open(id), yield* a.open(other)]
        const heard = yield* recorded(atA)
        const tags = () => heard.events.map(({ _tag }) => _tag)
        const connection = yield* connect(world, a)
        // Without another topic the connection would end with the Disconnect.
        yield* (yield* connection.openStream).write(frames(headerOf(other), joinFrame))
        yield* until(world, "it is a neighbour in the other topic", () => isJoined(alsoAtA))
        const first = yield* connection.openStream
        yield* first.write(frames(headerOf(id), joinFrame))
        yield* until(world, "it is a neighbour", () => isJoined(atA))
        const { messagesIn } = yield* a.stats
        yield* (yield* connection.openStream).write(frames(headerOf(id), joinFrame))
        yield* until(world, "its return is there", () => Effect.map(a.stats, (stats) => stats.messagesIn > messagesIn))
        yield* first.write(disconnectFrame)
        first.finish()
        yield* until(world, "its Disconnect is read", () => Effect.sync(() => tags().includes("NeighborDown")))
        yield* until(world, "it is a neighbour again", () => isJoined(atA))
        assert.deepStrictEqual(tags(), ["NeighborUp", "NeighborDown", "NeighborUp"])
      }))

    it("keeps the connection of a peer that is refused in one topic and then let into another", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const id = freshTopic()
        const atA = yield* a.open(id)
        const connection = yield* connect(world, a)
        const { messagesIn } = yield* a.stats
        yield* (yield* connection.openStream).write(frames(headerOf(freshTopic()), joinFrame))
        yield* until(world, "it is refused", () => Effect.map(a.stats, (stats) => stats.messagesIn > messagesIn))
        yield* (yield* connection.openStream).write(frames(headerOf(id), joinFrame))
        yield* until(world, "it is a neighbour", () => isJoined(atA))
        for (let i = 0; i < 250; i++) yield* world.pass
        const { connections, dials } = yield* a.stats
        assert.deepStrictEqual({ connections, dials }, { connections: 1, dials: 0 })
        assert.isTrue(yield* isJoined(atA))
      }))

    it("stops the streams of a peer for topics that are not open, except 32 of a connection", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const id = freshTopic()
        const atA = yield* a.open(id)
        const connection = yield* connect(world, a)
        // A stream whose object is garbage-collected would end.
        const kept: Array<unknown> = []
        for (let i = 0; i < 40; i++) {
          const stream = yield* connection.openStream
          kept.push(stream)
          yield* stream.write(frames(headerOf(freshTopic()), Uint8Array.of(0, 0, 0, 9)))
        }
        yield* until(world, "8 are stopped", () => Effect.map(a.stats, ({ refusedStreams }) => refusedStreams === 8))
        yield* (yield* connection.openStream).write(frames(headerOf(id), joinFrame))
        yield* until(world, "it is a neighbour", () => isJoined(atA))
        assert.strictEqual((yield* a.stats).refusedStreams, 8)
        assert.lengthOf(kept, 40)
      }))

    it("reads many small chunks that came while the topic was not read", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const id = freshTopic()
        const atA = yield* a.open(id)
        const stream = yield* (yield* connect(world, a)).openStream
        yield* stream.write(frames(headerOf(id), joinFrame))
        yield* until(world, "it is a neighbour", () => isJoined(atA))
        const slow = yield* atA.subscribe({ capacity: 1, whenSlow: "backpressure" })
        yield* stream.write(frames(payloadFrame("first"), payloadFrame("second")))
        yield* until(world, "both are there", () => Effect.map(a.stats, ({ messagesIn }) => messagesIn === 3))
        const count = 5_000
        const prune = frame(Protocol.encodeMessage({ _tag: "Prune" }))
        for (let i = 0; i < count; i++) yield* stream.write(prune)
        assert.isBelow((yield* a.stats).messagesIn, count)
        yield* slow.pipe(Stream.runDrain, Effect.forkScoped)
        yield* until(world, "all are read", () => Effect.map(a.stats, ({ messagesIn }) => messagesIn === 3 + count))
      }))

    describe("that misbehaves", () => {
      const id = TopicId.fromName("misbehaviour")
      const header = headerOf(id)
      const malformed: ReadonlyArray<readonly [string, Uint8Array]> = [
        ["a frame over the limit", frames(header, Uint8Array.of(0, 0, 16, 1))],
        ["a frame that is no message", frames(header, Uint8Array.of(0, 0, 0, 2, 7, 7))],
        ["a header that is too short", Uint8Array.of(0, 0, 0, 3, 1, 2, 3)],
      ]
      for (const [what, bytes] of malformed) {
        it(`ends only the stream that has ${what}`, (world) =>
          Effect.gen(function* () {
            const a = yield* world.node()
            const atA = yield* a.open(id)
            const connection = yield* connect(world, a)
            const [bad, good] = [yield* connection.openStream, yield* connection.openStream]
            yield* bad.write(bytes)
            yield* until(world, "it is counted", () => Effect.map(a.stats, (stats) => stats.malformedStreams === 1))
            yield* good.write(frames(header, joinFrame))
            yield* until(world, "the good stream is read", () => isJoined(atA))
            assert.strictEqual((yield* a.stats).connections, 1)
          }))
      }

      it("drops and counts a payload under another's id, and reads on", (world) =>
        Effect.gen(function* () {
          const a = yield* world.node()
          const scope = yield* Scope.make()
          const atA = yield* a.open(id).pipe(Scope.provide(scope))
          const heard = yield* recorded(atA)
          const connection = yield* connect(world, a)
          const stream = yield* connection.openStream
          yield* stream.write(frames(header, joinFrame, payloadFrame("forged", "other"), payloadFrame("true")))
          yield* until(world, "the true one has arrived", () => Effect.sync(() => heard.texts().length > 0))
          assert.deepStrictEqual(heard.texts(), ["true"])
          assert.strictEqual((yield* a.stats).forgedPayloads, 1)
          yield* Scope.close(scope, Exit.void)
          assert.strictEqual((yield* a.stats).forgedPayloads, 1, "also when the topic is closed")
        }))

      it("waits with broadcasts for a peer that reads nothing, and gives it up after the stall timeout", (world) =>
        Effect.gen(function* () {
          const a = yield* world.node({ sendQueueBytes: 50_000, stallTimeout: 300 })
          const atA = yield* a.open(id)
          const connection = yield* connect(world, a)
          const stream = yield* connection.openStream
          yield* stream.write(frames(header, joinFrame))
          yield* until(world, "it is a neighbour", () => isJoined(atA))
          const content = new Uint8Array(4_000)
          const sender = yield* Effect.gen(function* () {
            for (let i = 0; i < 3_000; i++) {
              new DataView(content.buffer).setUint32(0, i)
              yield* atA.broadcast(content)
            }
          }).pipe(Effect.forkScoped)
          yield* until(world, "it is given up", () => Effect.map(a.stats, ({ stalls }) => stalls === 1))
          yield* Fiber.join(sender)
          assert.isFalse(yield* isJoined(atA))
        }))

      it("goes on for the other neighbours while a peer reads nothing, gives it up, and refuses it then", (world) =>
        Effect.gen(function* () {
          const a = yield* world.node({ sendQueueBytes: 50_000, stallTimeout: 1_000 })
          const b = yield* world.node()
          const [atA, atB] = yield* joinedInLine(world, [a, b], id)
          const heard = yield* recorded(atB!)
          const { connect } = yield* bareConnections(world, a)
          const connection = yield* connect
          const stream = yield* connection.openStream
          yield* stream.write(frames(header, joinFrame))
          yield* until(world, "both are neighbours", () => Effect.map(atA!.neighbors, ({ size }) => size === 2))
          const total = 600
          const content = new Uint8Array(4_000)
          yield* Effect.gen(function* () {
            for (let i = 0; i < total; i++) {
              new DataView(content.buffer).setUint32(0, i)
              yield* atA!.broadcast(content)
            }
          }).pipe(Effect.forkScoped)
          const received = () => heard.events.filter(({ _tag }) => _tag === "Received").length
          yield* until(world, "the other one has all", () => Effect.sync(() => received() === total))
          yield* until(world, "the slow one is given up", () => Effect.map(a.stats, ({ stalls }) => stalls === 1))
          assert.isAbove((yield* a.stats).withheld, 0)
          yield* until(world, "it is gone", () => Effect.map(atA!.neighbors, ({ size }) => size === 1))
          yield* connect
          yield* until(world, "it is refused", () => Effect.map(a.stats, ({ refused }) => refused > 0))
          assert.strictEqual((yield* atA!.neighbors).size, 1)
        }))

      it("stops reading a peer that asks for payloads again and again and reads none", (world) =>
        Effect.gen(function* () {
          const a = yield* world.node({ sendQueueBytes: 50_000, stallTimeout: 1_000 })
          const atA = yield* a.open(id)
          const connection = yield* connect(world, a)
          const stream = yield* connection.openStream
          yield* stream.write(frames(header, joinFrame))
          yield* until(world, "it is a neighbour", () => isJoined(atA))
          const contents = Array.from({ length: 400 }, (_, i) => `${i}`.padEnd(4_000))
          const grafts = contents.map((content) => {
            const id = Protocol.MessageId.ofContent(text(content))
            return frame(Protocol.encodeMessage({ _tag: "Graft", id, round: 0 }))
          })
          const quarters = [0, 100, 200, 300].map((from) => frames(...grafts.slice(from, from + 100)))
          yield* Effect.gen(function* () {
            for (const content of contents) yield* stream.write(payloadFrame(content))
            // Longer than it takes until the answers fill what the transport holds for the peer.
            for (let i = 0; i < 400; i++) {
              yield* stream.write(quarters[i % 4]!)
              yield* Effect.sleep(10)
            }
          }).pipe(Effect.forkScoped)
          yield* until(world, "it is given up", () => Effect.map(a.stats, ({ stalls }) => stalls === 1))
          const { bytesOut, messagesIn } = yield* a.stats
          assert.isBelow(bytesOut, 2_500_000, "each payload once")
          assert.isBelow(messagesIn, 40_000)
        }))

      it("refuses a peer once at a time that asks again and again for a topic that is not open", (world) =>
        Effect.gen(function* () {
          const a = yield* world.node()
          const atA = yield* a.open(id)
          const connection = yield* connect(world, a)
          const stream = yield* connection.openStream
          yield* stream.write(frames(header, joinFrame))
          yield* until(world, "it is a neighbour", () => isJoined(atA))
          const other = yield* connection.openStream
          const { messagesIn, writes } = yield* a.stats
          const count = 9_000
          const joins = Array.from({ length: count }, () => joinFrame)
          yield* other.write(frames(headerOf(freshTopic()), ...joins))
          const isRead = Effect.map(a.stats, (stats) => stats.messagesIn === messagesIn + count)
          yield* until(world, "all are read", () => isRead)
          for (let i = 0; i < 20; i++) yield* world.pass
          assert.isBelow((yield* a.stats).writes - writes, 20)
        }))
    })
  })
}

const frame = (body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(4 + body.length)
  new DataView(bytes.buffer).setUint32(0, body.length)
  bytes.set(body, 4)
  return bytes
}

/** The first frame of a topic's stream. */
const headerOf = (id: TopicId): Uint8Array => frame(id.bytes)

/** A Join without data about the sender. */
const joinFrame = Uint8Array.of(0, 0, 0, 3, 0, 0, 0)

/** The Disconnect of a peer that leaves the swarm. */
const disconnectFrame = Uint8Array.of(0, 0, 0, 4, 0, 5, 0, 0)

/** A message with this content, under the id of another if one is given. */
const payloadFrame = (content: string, of = content): Uint8Array =>
  frame(
    Protocol.encodeMessage({
      _tag: "Gossip",
      id: Protocol.MessageId.ofContent(text(of)),
      content: text(content),
      scope: { _tag: "Swarm", round: 0 },
    }),
  )

const frames = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))

const connect = (world: World, to: { readonly endpointId: EndpointId.EndpointId }) =>
  Effect.flatMap(bareConnections(world, to), ({ connect }) => connect)

/** Connections from a bare transport to one endpoint, and writing on their streams, as Effects. Nothing is read at first. */
const bareConnections = Effect.fnUntraced(function* (world: World, to: { readonly endpointId: EndpointId.EndpointId }) {
  const bare = yield* world.bare
  const made: Array<Connection> = []
  yield* bare.listen({ connected: (connection) => made.push(connection), dialFailed: () => {} })
  const connect = Effect.gen(function* () {
    const before = made.length
    bare.dial(to.endpointId)
    yield* until(world, "the bare peer is connected", () => Effect.sync(() => made.length > before))
    const connection = made.at(-1)!
    let bytes = 0
    const readAll = (stream: ReceiveStream): void =>
      stream.read((chunk) => {
        if (chunk === undefined) return
        bytes += chunk.length
        readAll(stream)
      })
    let reading = false
    const openStream = Effect.callback<SendStream, string>((resume) =>
      connection.openStream((stream) =>
        resume(stream === undefined ? Effect.fail("no stream") : Effect.succeed(stream)),
      ),
    )
    return {
      openStream: Effect.map(openStream, (stream) => ({
        write: (content: Uint8Array) =>
          Effect.callback<boolean>((resume) => stream.write(content, (alive) => resume(Effect.succeed(alive)))),
        finish: () => stream.finish(),
      })),
      /** Bytes on the first stream towards the bare peer, which is read from the first call on. */
      received: () => {
        if (!reading) connection.acceptStream((stream) => stream !== undefined && readAll(stream))
        reading = true
        return bytes
      },
      close: () => connection.close(),
    }
  })
  return { connect }
})
