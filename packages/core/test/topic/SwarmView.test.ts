import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { messageHash } from "@topic-tracker/crypto"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { TopicState } from "../../src/topic/knowledge/SwarmView.ts"
import { id, record } from "./records.ts"

const received = (content: Uint8Array) =>
  ({ _tag: "Received", content, deliveredFrom: id(9), scope: "swarm", round: 1 }) as const

describe("TopicState", () => {
  it.effect("signals the first neighbour and the loss of the last, not those between", () =>
    Effect.gen(function* () {
      const state = new TopicState(yield* Timers.make)
      const signals = () => [state.joined.isOpen, state.alone.isOpen]
      assert.deepStrictEqual(signals(), [false, true])
      state.apply([{ _tag: "NeighborUp", peer: id(1) }])
      state.apply([
        { _tag: "NeighborUp", peer: id(2) },
        { _tag: "NeighborDown", peer: id(1), reason: "left" },
      ])
      assert.deepStrictEqual(signals(), [true, false])
      state.apply([{ _tag: "NeighborDown", peer: id(2), reason: "left" }])
      assert.deepStrictEqual(signals(), [false, true])
    }),
  )

  it.effect("a record says at most five neighbours, and what was heard last", () =>
    Effect.gen(function* () {
      const state = new TopicState(yield* Timers.make)
      for (const n of [1, 2, 3, 4, 5, 6]) state.apply([{ _tag: "NeighborUp", peer: id(n) }])
      state.apply([received(new Uint8Array([7]))])
      assert.deepStrictEqual(state.recordContent(), {
        activePeers: [1, 2, 3, 4, 5].map(id),
        lastMessageHashes: [messageHash(new Uint8Array([7]))],
      })
    }),
  )

  it.effect("remembers who was a neighbour", () =>
    Effect.gen(function* () {
      const state = new TopicState(yield* Timers.make)
      state.apply([
        { _tag: "NeighborUp", peer: id(1) },
        { _tag: "NeighborDown", peer: id(1), reason: "left" },
      ])
      assert.deepStrictEqual([...state.links.reachableFrom([id(9)], [])], [id(9), id(1)])
    }),
  )

  it.effect("of a neighbour that is lost it knows nothing any more, nor what led on from there", () =>
    Effect.gen(function* () {
      const state = new TopicState(yield* Timers.make)
      state.links.named(record(5, [9]))
      state.apply([
        { _tag: "NeighborUp", peer: id(1) },
        { _tag: "NeighborDown", peer: id(1), reason: "lost" },
      ])
      assert.deepStrictEqual([...state.links.reachableFrom([id(9)], [])], [id(9)])
    }),
  )

  it.effect("knows that messages pass it by while it has no neighbour", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const state = new TopicState(timers)
      state.heard.sent(new Uint8Array([6]))
      yield* TestClock.adjust("1 second")
      state.apply([{ _tag: "NeighborUp", peer: id(1) }, received(new Uint8Array([7]))])
      assert.strictEqual(state.heard.completeSince, timers.now(), "what was said to nobody tells nothing")
      yield* TestClock.adjust("1 second")
      state.apply([{ _tag: "NeighborDown", peer: id(1), reason: "left" }])
      assert.isUndefined(state.heard.completeSince)
    }),
  )
})
