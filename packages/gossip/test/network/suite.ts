/** What gossip must do on whatever transport. */
import { assert, describe } from "@effect/vitest"
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { type Connection, Protocol, type ReceiveStream, type SendStream } from "../../src/index.ts"
import { freshTopic, inTime, isJoined, joinedInLine, recorded, text, textsOf, until, type World } from "./world.ts"

export type Runner = (name: string, test: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) => void

export const suite = (transport: string, it: Runner): void => {
  describe(`gossip over ${transport}`, () => {
    it("two nodes join, hear of each other and of what each says", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const id = freshTopic()
        const [atA, atB] = [yield* a.open(id), yield* b.open(id)]
        const [heardA, heardB] = [yield* recorded(atA), yield* recorded(atB)]
        yield* atB.join([a.endpointId])
        yield* until(world, "both have a neighbour", () =>
          Effect.sync(() => heardA.events.length > 0 && heardB.events.length > 0),
        )
        assert.deepStrictEqual(heardA.events, [{ _tag: "NeighborUp", peer: b.endpointId }])
        assert.deepStrictEqual(heardB.events, [{ _tag: "NeighborUp", peer: a.endpointId }])
        assert.deepStrictEqual([...(yield* atA.neighbors)], [b.endpointId])

        yield* atA.broadcast(text("to all"))
        yield* atB.broadcast(text("to neighbours"), "neighbors")
        yield* until(world, "both heard", () => Effect.sync(() => heardA.events.length > 1 && heardB.events.length > 1))
        const [atAEvent, atBEvent] = [heardA.events[1]!, heardB.events[1]!]
        assert(atAEvent._tag === "Received" && atBEvent._tag === "Received")
        assert.deepStrictEqual(
          { ...atBEvent, content: textsOf([atBEvent]), id: undefined },
          {
            _tag: "Received",
            content: ["to all"],
            id: undefined,
            deliveredFrom: a.endpointId,
            scope: "swarm",
            round: 0,
          },
        )
        assert.deepStrictEqual(
          [atAEvent.scope, atAEvent.deliveredFrom, textsOf([atAEvent])],
          ["neighbors", b.endpointId, ["to neighbours"]],
        )
      }))

    it("what one of five says reaches the other four once", (world) =>
      Effect.gen(function* () {
        const nodes = yield* Effect.all(Array.from({ length: 5 }, () => world.node()))
        const members = yield* joinedInLine(world, nodes)
        const heard = yield* Effect.all(members.map((member) => recorded(member)))
        for (const [i, member] of members.entries()) yield* member.broadcast(text(`from ${i}`))
        yield* until(world, "each heard four", () => Effect.sync(() => heard.every(({ texts }) => texts().length >= 4)))
        yield* world.pass
        for (const [i, { texts }] of heard.entries()) {
          const others = [0, 1, 2, 3, 4].filter((other) => other !== i).map((other) => `from ${other}`)
          assert.deepStrictEqual([...texts()].sort(), others)
        }
      }))

    it("a message for the neighbours goes no further", (world) =>
      Effect.gen(function* () {
        // With room for two neighbours each, six nodes do not all know each other.
        const nodes = yield* Effect.all(
          Array.from({ length: 6 }, () => world.node({ membership: { activeViewCapacity: 2 } })),
        )
        const members = yield* joinedInLine(world, nodes)
        const heard = yield* Effect.all(members.map((member) => recorded(member)))
        yield* members[0]!.broadcast(text("near"), "neighbors")
        const neighbors = yield* members[0]!.neighbors
        const hearers = () => nodes.filter((_, i) => heard[i]!.texts().includes("near"))
        yield* until(world, "the neighbours heard", () => Effect.sync(() => hearers().length >= neighbors.size))
        for (let i = 0; i < 10; i++) yield* world.pass
        assert.deepStrictEqual(new Set(hearers().map(({ endpointId }) => endpointId)), neighbors)
      }))

    it("a topic that closes takes leave of its neighbours and can be joined again", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const id = freshTopic()
        const atA = yield* a.open(id)
        const heardA = yield* recorded(atA)
        const tags = () => heardA.events.map(({ _tag }) => _tag)
        for (const round of [1, 2]) {
          const scope = yield* Scope.make()
          const atB = yield* b.open(id).pipe(Scope.provide(scope))
          const heardB = yield* recorded(atB)
          yield* atB.join([a.endpointId])
          yield* until(world, "b is up", () => Effect.sync(() => tags().length === 2 * round - 1))
          yield* Scope.close(scope, Exit.void)
          yield* until(world, "b is down", () => Effect.sync(() => tags().length === 2 * round))
          yield* until(world, "b's stream has ended", () => Effect.sync(heardB.isOver))
          assert.strictEqual((yield* Effect.flip(atB.broadcast(text("late")))).reason, "Closed")
          assert.strictEqual((yield* Effect.flip(atB.join([]))).reason, "Closed")
          assert.strictEqual((yield* Effect.flip(atB.subscribe())).reason, "Closed")
        }
        assert.deepStrictEqual(tags(), ["NeighborUp", "NeighborDown", "NeighborUp", "NeighborDown"])
        yield* until(world, "no connection is left", () =>
          Effect.map(Effect.all([a.stats, b.stats]), (all) => all.every(({ connections }) => connections === 0)),
        )
      }))

    it("a node that ends is missed by its neighbours, and its topics' streams end", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const heardB = yield* recorded(atB!)
        yield* b.leave
        yield* until(world, "b is down", () => Effect.map(isJoined(atA!), (joined) => !joined))
        yield* until(world, "b's stream has ended", () => Effect.sync(heardB.isOver))
        const failure = yield* Effect.flip(Effect.scoped(b.open(freshTopic())))
        assert.strictEqual(failure.reason, "Closed")
      }))

    it("a topic is open once", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const id = freshTopic()
        yield* a.open(id)
        const failure = yield* Effect.flip(Effect.scoped(a.open(id)))
        assert.strictEqual(failure.reason, "InvalidArgument")
        assert.include(failure.message, id.hex)
      }))

    it("content over the limit is an error, at the limit it arrives", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const heard = yield* recorded(atB!)
        const failure = yield* Effect.flip(atA!.broadcast(new Uint8Array(a.maxContentBytes + 1)))
        assert.strictEqual(failure.reason, "MessageTooLarge")
        assert.include(failure.message, String(a.maxContentBytes))
        yield* atA!.broadcast(new Uint8Array(a.maxContentBytes).fill(120))
        yield* until(world, "it arrived", () => Effect.sync(() => heard.texts().length > 0))
        assert.deepStrictEqual(
          heard.texts().map(({ length }) => length),
          [a.maxContentBytes],
        )
      }))

    it("what the caller does to the content afterwards changes nothing", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const heard = yield* recorded(atB!)
        const content = text("before")
        yield* atA!.broadcast(content)
        content.fill(0)
        yield* until(world, "it arrived", () => Effect.sync(() => heard.texts().length > 0))
        assert.deepStrictEqual(heard.texts(), ["before"])
      }))

    it("a slow subscriber lags: the newest events and how many were skipped", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const slow = yield* atB!.subscribe({ capacity: 4 })
        const fast = yield* recorded(atB!)
        for (let i = 0; i < 10; i++) yield* atA!.broadcast(text(`${i}`))
        yield* until(world, "the fast one heard all", () => Effect.sync(() => fast.texts().length === 10))
        const events = yield* slow.pipe(Stream.take(5), Stream.runCollect)
        assert.deepStrictEqual(events[0], { _tag: "Lagged", skipped: 6 })
        assert.deepStrictEqual(textsOf(events), ["6", "7", "8", "9"])
        assert.strictEqual((yield* b.stats).lagged, 6)
      }))

    it("a subscriber that holds back misses nothing and makes the sender wait", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node({ sendQueueBytes: 50_000 }), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const slow = yield* atB!.subscribe({ capacity: 4, whenSlow: "hold-back" })
        const total = 500
        let sent = 0
        const numbered = (i: number) => {
          const content = new Uint8Array(4_000)
          new DataView(content.buffer).setUint32(0, i)
          return content
        }
        yield* Effect.gen(function* () {
          for (; sent < total; sent++) yield* atA!.broadcast(numbered(sent))
        }).pipe(Effect.forkScoped)
        // It stops once the windows on the way are full, long before the end.
        let before = -1
        yield* until(world, "the sender waits", () =>
          Effect.gen(function* () {
            if (sent === before) return true
            before = sent
            for (let i = 0; i < 20; i++) yield* world.pass
            return false
          }),
        )
        assert.isBelow(sent, total)
        const reading = slow.pipe(Stream.take(total), Stream.runCollect)
        const events = yield* inTime(world, "all was read", reading)
        assert.strictEqual(sent, total)
        const numbers = events.map((event) =>
          event._tag === "Received" ? new DataView(event.content.buffer, event.content.byteOffset).getUint32(0) : -1,
        )
        assert.deepStrictEqual(
          numbers,
          Array.from({ length: total }, (_, i) => i),
        )
      }))

    it("a burst loses nothing for a subscriber that reads whenever it can", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const heard = yield* recorded(atB!, { capacity: 8 })
        for (let i = 0; i < 500; i++) yield* atA!.broadcast(text(`${i}`))
        yield* until(world, "all were heard", () => Effect.sync(() => heard.events.length >= 500))
        assert.deepStrictEqual(
          heard.texts(),
          Array.from({ length: 500 }, (_, i) => `${i}`),
        )
      }))

    it("many topics share one connection, each with its own messages", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const ids = Array.from({ length: 150 }, () => freshTopic())
        const atA = yield* Effect.all(ids.map((id) => a.open(id)))
        const atB = yield* Effect.all(ids.map((id) => b.open(id)))
        for (const member of atB) yield* member.join([a.endpointId])
        yield* until(world, "all are joined", () =>
          Effect.map(Effect.all([...atA, ...atB].map(isJoined)), (all) => all.every((joined) => joined)),
        )
        assert.strictEqual((yield* a.stats).connections, 1)
        const heard = yield* Effect.all(atB.map((member) => recorded(member)))
        for (const member of atA) yield* member.broadcast(text(member.id.hex))
        yield* until(world, "all were heard", () => Effect.sync(() => heard.every(({ texts }) => texts().length === 1)))
        assert.deepStrictEqual(
          heard.map(({ texts }) => texts()[0]),
          ids.map(({ hex }) => hex),
        )
      }))

    it("two nodes that dial each other at once end up as neighbours", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const id = freshTopic()
        const [atA, atB] = [yield* a.open(id), yield* b.open(id)]
        const [heardA, heardB] = [yield* recorded(atA), yield* recorded(atB)]
        yield* Effect.all([atA.join([b.endpointId]), atB.join([a.endpointId])])
        yield* until(world, "both are joined", () =>
          Effect.map(Effect.all([isJoined(atA), isJoined(atB)]), ([joinedA, joinedB]) => joinedA && joinedB),
        )
        yield* atA.broadcast(text("from a"))
        yield* atB.broadcast(text("from b"))
        yield* until(world, "both heard", () =>
          Effect.sync(() => heardA.texts().length > 0 && heardB.texts().length > 0),
        )
        assert.deepStrictEqual([heardA.texts(), heardB.texts()], [["from b"], ["from a"]])
      }))

    it("a request for a topic that the peer is not in is refused, and nothing is left of it", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const atA = yield* a.open(freshTopic())
        yield* atA.join([b.endpointId])
        yield* until(world, "the connection came and went", () =>
          Effect.gen(function* () {
            const stats = yield* a.stats
            return stats.messagesIn > 0 && stats.connections === 0 && (yield* b.stats).connections === 0
          }),
        )
        assert.isFalse(yield* isJoined(atA))
      }))

    it("of two connections the newer is sent on, and when it ends the older, without a NeighborDown", (world) =>
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
        assert.deepStrictEqual(
          heard.events.map(({ _tag }) => _tag),
          ["NeighborUp", "NeighborDown"],
        )
      }))

    describe("a peer that misbehaves", () => {
      const id = TopicId.fromName("misbehaviour")
      const header = headerOf(id)
      const malformed: ReadonlyArray<readonly [string, Uint8Array]> = [
        ["a frame over the limit", frames(header, Uint8Array.of(0, 0, 16, 1))],
        ["a frame that is no message", frames(header, Uint8Array.of(0, 0, 0, 2, 7, 7))],
        ["a header that is too short", Uint8Array.of(0, 0, 0, 3, 1, 2, 3)],
      ]
      for (const [what, bytes] of malformed) {
        it(`${what} ends its stream, and only that`, (world) =>
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

      it("a payload under another's id is dropped and counted, and the stream goes on", (world) =>
        Effect.gen(function* () {
          const a = yield* world.node()
          const atA = yield* a.open(id)
          const heard = yield* recorded(atA)
          const connection = yield* connect(world, a)
          const stream = yield* connection.openStream
          const payload = (content: string, of: string) =>
            frame(
              Protocol.encodeMessage({
                _tag: "Gossip",
                id: Protocol.MessageId.ofContent(text(of)),
                content: text(content),
                scope: { _tag: "Swarm", round: 0 },
              }),
            )
          yield* stream.write(frames(header, joinFrame, payload("forged", "other"), payload("true", "true")))
          yield* until(world, "the true one is heard", () => Effect.sync(() => heard.texts().length > 0))
          assert.deepStrictEqual(heard.texts(), ["true"])
          assert.strictEqual((yield* a.stats).forgedPayloads, 1)
        }))

      it("one that reads nothing makes broadcasts wait and is given up after the stall time", (world) =>
        Effect.gen(function* () {
          const a = yield* world.node({ sendQueueBytes: 50_000, stallTimeoutMs: 300 })
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

/** A request to join without anything about the sender. */
const joinFrame = Uint8Array.of(0, 0, 0, 3, 0, 0, 0)

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
