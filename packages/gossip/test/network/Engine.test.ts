/** The engine after an exception in one of its parts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { SendStream } from "../../src/index.ts"
import { idOf, makeConnection, makeEngine } from "./bareEngine.ts"
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
