/** The streams that the engine lets a peer have. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Protocol, ReceiveStream } from "../../src/index.ts"
import { idOf, makeConnection, makeEngine } from "./bareEngine.ts"
import { freshTopic } from "./world.ts"

const peer = idOf("03")

describe("the streams of a peer", () => {
  it.effect("may be two for each topic in which it is a neighbour, and 32 more, at least 64", () =>
    Effect.gen(function* () {
      const engine = yield* makeEngine()
      const { connection, limited } = makeConnection(peer)
      engine.peers.connected(connection, false)
      const topics = Array.from({ length: 40 }, freshTopic)
      for (const topic of topics) {
        engine.openTopic(topic)
        const message: Protocol.Message = { _tag: "Join", data: undefined }
        engine.dispatch({ _tag: "Received", from: peer, topic: topic.hex, message })
      }
      assert.deepStrictEqual(limited[0], { uni: 64, unreadBytes: 3_000_000 })
      assert.deepStrictEqual(limited.at(-1), { uni: 112, unreadBytes: 61_500_000 })
      // A further connection of the same peer has the same limits at once.
      const second = makeConnection(peer)
      engine.peers.connected(second.connection, false)
      assert.deepStrictEqual(second.limited, [{ uni: 112, unreadBytes: 61_500_000 }])
      for (const topic of topics.slice(0, 30)) {
        const message: Protocol.Message = { _tag: "Disconnect", alive: true, respond: false }
        engine.dispatch({ _tag: "Received", from: peer, topic: topic.hex, message })
      }
      assert.deepStrictEqual(second.limited.at(-1), { uni: 64, unreadBytes: 16_500_000 })
    }),
  )

  it.effect("are stopped when they have no header after 10 s", () =>
    Effect.gen(function* () {
      const engine = yield* makeEngine()
      const topic = freshTopic()
      engine.openTopic(topic)
      const made = makeConnection(peer)
      const stopped: Array<number> = []
      const streams: Array<{ stream: ReceiveStream; chunks: Array<Uint8Array> }> = [
        { chunks: [] },
        { chunks: [Uint8Array.of(0, 0, 0, 32, 1, 2, 3)] },
        { chunks: [Uint8Array.of(0, 0, 0, 32, ...topic.bytes)] },
      ].map(({ chunks }, i) => ({
        chunks,
        stream: {
          read: (done) => {
            const chunk = chunks.shift()
            if (chunk !== undefined) done(chunk)
          },
          stop: () => void stopped.push(i),
        },
      }))
      const acceptStream = (done: (stream: ReceiveStream | undefined) => void) => {
        const next = streams.shift()
        if (next !== undefined) done(next.stream)
      }
      engine.peers.connected({ ...made.connection, acceptStream }, false)
      yield* TestClock.adjust(9_999)
      assert.deepStrictEqual(stopped, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(stopped, [0, 1])
      assert.strictEqual(engine.stats().refusedStreams, 2)
    }),
  )
})
