/** A connection ends, and another one to the same peer is open: what happens to the queue that was sending on the first. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { idOf, makeConnection, makeEngine } from "./bareEngine.ts"
import { freshTopic, text } from "./world.ts"

const setUp = Effect.gen(function* () {
  const engine = yield* makeEngine()
  const topic = freshTopic()
  engine.openTopic(topic)
  const [older, newer] = [makeConnection(), makeConnection()]
  for (const { connection } of [older, newer]) engine.peers.connected(connection, false)
  // The answer is a Neighbor message, for which the newer connection is asked for a stream.
  engine.dispatch({ _tag: "Received", from: idOf("03"), topic: topic.hex, message: { _tag: "Join", data: undefined } })
  const broadcast = () =>
    engine.dispatch({ _tag: "Broadcast", topic: topic.hex, content: text("hello"), scope: "swarm" })
  return { broadcast, older, newer }
})

describe("a queue whose connection ends before the transport reports the end", () => {
  it.effect("sends on the other connection when it was waiting for a stream", () =>
    Effect.gen(function* () {
      const { newer, older } = yield* setUp
      newer.end()
      assert.lengthOf(older.opening, 0)
      newer.opening[0]!(undefined)
      assert.lengthOf(older.opening, 1)
    }),
  )

  it.effect("sends on the other connection when it was waiting for a write", () =>
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
