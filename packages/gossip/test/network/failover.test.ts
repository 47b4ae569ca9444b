/** What becomes of a queue when the connection that it goes out on ends and another to the same peer is there. */
import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import { Effect, Schema, Stream } from "effect"
import { Engine } from "../../src/engine/Engine.ts"
import { type Connection, Protocol, type SendStream } from "../../src/index.ts"
import { freshTopic, text } from "./world.ts"

const idOf = (byte: string) => Schema.decodeSync(EndpointId.EndpointId)(byte.repeat(32))
const [me, peer] = [idOf("01"), idOf("03")]

/** A connection on which nothing arrives, and where opening and writing succeed or fail when the test says so. */
const makeConnection = () => {
  const opening: Array<(stream: SendStream | undefined) => void> = []
  const writing: Array<(alive: boolean) => void> = []
  let closed: (reason: string) => void = () => {}
  const connection: Connection = {
    remoteId: peer,
    openStream: (done) => void opening.push(done),
    acceptStream: () => {},
    onClosed: (listener) => {
      closed = listener
    },
    close: () => {},
  }
  const stream: SendStream = { write: (_bytes, done) => void writing.push(done), finish: () => {} }
  return { connection, stream, opening, writing, end: () => closed("gone") }
}

const setUp = Effect.gen(function* () {
  const timers = yield* Timers.make
  const engine = new Engine(
    {
      endpointId: me,
      timers,
      defer: (flush) => flush(),
      ready: Effect.void,
      listen: () => Effect.void,
      dial: () => {},
      learnAddress: () => {},
      address: Effect.succeed({ relayUrl: undefined, direct: [] }),
      addressChanges: Stream.empty,
      networkChanges: Stream.empty,
    },
    {
      protocol: Protocol.defaultConfig,
      rng: new Protocol.Xoshiro128(1),
      sendQueueBytes: 100_000,
      stallTimeoutMs: 30_000,
      lingerMs: 1_000,
      onDefect: (defect) => assert.fail(String(defect)),
    },
  )
  const topic = freshTopic()
  engine.openTopic(topic)
  const [older, newer] = [makeConnection(), makeConnection()]
  for (const { connection } of [older, newer]) engine.connections.connected(connection, false)
  // Answered with a Neighbor, for which the newer connection is asked for a stream.
  engine.turn({ _tag: "Received", from: peer, topic: topic.hex, message: { _tag: "Join", data: undefined } })
  const broadcast = () => engine.turn({ _tag: "Broadcast", topic: topic.hex, content: text("hello"), scope: "swarm" })
  return { broadcast, older, newer }
})

describe("a queue whose connection ends before it is told so itself", () => {
  it.effect("goes out on the other one when it was waiting for a stream", () =>
    Effect.gen(function* () {
      const { newer, older } = yield* setUp
      newer.end()
      assert.lengthOf(older.opening, 0)
      newer.opening[0]!(undefined)
      assert.lengthOf(older.opening, 1)
    }),
  )

  it.effect("goes out on the other one when it was waiting for a write", () =>
    Effect.gen(function* () {
      const { broadcast, newer, older } = yield* setUp
      newer.opening[0]!(newer.stream)
      broadcast()
      assert.lengthOf(newer.writing, 1)
      newer.end()
      newer.writing[0]!(false)
      assert.lengthOf(older.opening, 1)
      older.opening[0]!(older.stream)
      assert.lengthOf(older.writing, 1)
    }),
  )
})
