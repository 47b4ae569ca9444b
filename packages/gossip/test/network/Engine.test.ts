/** The engine after an exception in one of its parts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Connection, Protocol, type SendStream } from "../../src/index.ts"
import { idOf, makeConnection, makeEngine } from "./bareEngine.ts"
import { connectPeer, freshContent, neighborRequest, passMs, payloadOf } from "./remotePeer.ts"
import { freshTopic, text } from "./world.ts"

describe("an engine after an exception", () => {
  it.effect("in an action performs the other actions and handles the next events", () =>
    Effect.gen(function* () {
      const [bad, good] = [idOf("03"), idOf("04")]
      const dialled: Array<string> = []
      const defects: Array<unknown> = []
      const bug = new Error("a bug")
      const engine = yield* makeEngine(
        {
          dial: (peer) => {
            if (peer === bad) throw bug
            dialled.push(peer)
          },
        },
        { onDefect: (defect) => defects.push(defect) },
      )
      const topic = freshTopic()
      engine.openTopic(topic)
      engine.dispatch({ _tag: "Join", topic: topic.hex, peers: [bad, good] })
      assert.deepStrictEqual(defects, [bug])
      assert.deepStrictEqual(dialled, [good])
      engine.dispatch({ _tag: "Join", topic: topic.hex, peers: [idOf("05")] })
      assert.deepStrictEqual(dialled, [good, idOf("05")])
      assert.strictEqual(engine.stats().defects, 1)
    }),
  )

  it.effect("that a peer's message led to disconnects that peer, and refuses it for a while", () =>
    Effect.gen(function* () {
      const defects: Array<unknown> = []
      const bug = new Error("a bug")
      const engine = yield* makeEngine(
        {
          learnAddress: () => {
            throw bug
          },
        },
        { onDefect: (defect) => defects.push(defect) },
      )
      const id = freshTopic()
      const topic = engine.openTopic(id)!
      const [bad, good] = [connectPeer(engine, id), connectPeer(engine, id)]
      const data = Protocol.encodePeerData({ relayUrl: undefined, direct: ["127.0.0.1:1"] })
      bad.send({ _tag: "Neighbor", priority: "high", data }, payloadOf(freshContent()))
      yield* passMs(10)
      assert.deepStrictEqual(defects, [bug])
      assert.isTrue(bad.isClosed())
      assert.isTrue(connectPeer(engine, id, { id: bad.id }).isClosed())
      good.send(neighborRequest)
      yield* passMs(10)
      assert.deepStrictEqual([...topic.neighbors], [good.id])
      const { defects: counted, expelled } = engine.stats()
      assert.deepStrictEqual([counted, expelled], [1, 1])
    }),
  )

  it.effect("in a callback of the transport disconnects the peer and throws nothing into the transport", () =>
    Effect.gen(function* () {
      const defects: Array<unknown> = []
      const engine = yield* makeEngine({}, { onDefect: (defect) => defects.push(defect) })
      const id = freshTopic()
      const topic = engine.openTopic(id)!
      const bug = new Error("a bug")
      let accept: Parameters<Connection["acceptStream"]>[0] = () => {}
      const bad = makeConnection(idOf("03"))
      let closes = 0
      const connection: Connection = {
        ...bad.connection,
        acceptStream: (done) => {
          accept = done
        },
        close: () => void closes++,
      }
      engine.peers.connected(connection, false)
      accept({
        read: () => {
          throw bug
        },
        stop: () => {},
      })
      yield* passMs(10)
      assert.deepStrictEqual([defects, closes], [[bug], 1])
      const good = connectPeer(engine, id)
      good.send(neighborRequest)
      yield* passMs(10)
      assert.deepStrictEqual([...topic.neighbors], [good.id])
    }),
  )

  it.effect("also handles the next events when the report of the exception throws", () =>
    Effect.gen(function* () {
      let isBroken = true
      const dialled: Array<string> = []
      const engine = yield* makeEngine({
        dial: (peer) => {
          if (isBroken) throw new Error("a bug")
          dialled.push(peer)
        },
      })
      const topic = freshTopic()
      engine.openTopic(topic)
      assert.throws(() => engine.dispatch({ _tag: "Join", topic: topic.hex, peers: [idOf("03")] }), "a bug")
      isBroken = false
      engine.dispatch({ _tag: "Join", topic: topic.hex, peers: [idOf("04")] })
      assert.deepStrictEqual(dialled, [idOf("04")])
    }),
  )

  it.effect("in the flush of one queue flushes the other queues", () =>
    Effect.gen(function* () {
      const defects: Array<unknown> = []
      const engine = yield* makeEngine({}, { onDefect: (defect) => defects.push(defect) })
      const topic = freshTopic()
      engine.openTopic(topic)
      const [bad, good] = [makeConnection(idOf("03")), makeConnection(idOf("04"))]
      let isBroken = false
      const stream: SendStream = {
        ...bad.stream,
        write: (bytes, done) => {
          if (isBroken) throw new Error("a bug")
          bad.stream.write(bytes, done)
        },
      }
      for (const { connection } of [bad, good]) {
        engine.peers.connected(connection, false)
        const message = { _tag: "Join", data: undefined } as const
        engine.dispatch({ _tag: "Received", from: connection.remoteId, topic: topic.hex, message })
      }
      bad.opening[0]!(stream)
      good.opening[0]!(good.stream)
      for (const { writing } of [bad, good]) writing[0]!(true)
      isBroken = true
      engine.dispatch({ _tag: "Broadcast", topic: topic.hex, content: text("hello"), scope: "swarm" })
      assert.lengthOf(defects, 1)
      assert.lengthOf(good.writing, 2)
    }),
  )
})
