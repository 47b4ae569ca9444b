import { assert, describe, it } from "@effect/vitest"
import { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Timers } from "@topic-tracker/gossip"
import { Effect } from "effect"
import { TopicState } from "../../src/topic/TopicState.ts"

const id = (n: number) => EndpointId.fromBytes(new Uint8Array(32).fill(n))

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
        { _tag: "NeighborDown", peer: id(1) },
      ])
      assert.deepStrictEqual(signals(), [true, false])
      state.apply([{ _tag: "NeighborDown", peer: id(2) }])
      assert.deepStrictEqual(signals(), [false, true])
    }),
  )

  it.effect("keeps the hashes of the last five messages received, whatever becomes of the bytes", () =>
    Effect.gen(function* () {
      const state = new TopicState(yield* Timers.make)
      const contents = [1, 2, 3, 4, 5, 6, 7].map((n) => new Uint8Array(n === 6 ? 5000 : 10).fill(n))
      const expected = contents.slice(2).map((content) => TopicId.fromName(content).bytes)
      for (const content of contents) {
        state.apply([received(content)])
        content.fill(0)
      }
      assert.deepStrictEqual(state.lastMessageHashes(), expected)
      assert.deepStrictEqual(state.lastMessageHashes(), expected)
    }),
  )

  it.effect("a record says at most five neighbours", () =>
    Effect.gen(function* () {
      const state = new TopicState(yield* Timers.make)
      for (const n of [1, 2, 3, 4, 5, 6]) state.apply([{ _tag: "NeighborUp", peer: id(n) }])
      assert.deepStrictEqual(state.recordContent(), {
        activePeers: [1, 2, 3, 4, 5].map(id),
        lastMessageHashes: [],
      })
    }),
  )
})
