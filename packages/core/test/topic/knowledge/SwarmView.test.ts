import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { messageHash } from "@topic-tracker/crypto"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { SwarmView } from "../../../src/topic/knowledge/SwarmView.ts"
import { id, record } from "../records.ts"

const received = (content: Uint8Array) =>
  ({ _tag: "Received", content, deliveredFrom: id(9), scope: "swarm", round: 1 }) as const

describe("SwarmView", () => {
  it.effect("signals the first neighbour and the loss of the last, not the changes between", () =>
    Effect.gen(function* () {
      const view = new SwarmView(yield* Timers.make)
      const signals = () => [view.joined.isOpen, view.alone.isOpen]
      assert.deepStrictEqual(signals(), [false, true])
      view.apply([{ _tag: "NeighborUp", peer: id(1) }])
      view.apply([
        { _tag: "NeighborUp", peer: id(2) },
        { _tag: "NeighborDown", peer: id(1), reason: "left" },
      ])
      assert.deepStrictEqual(signals(), [true, false])
      view.apply([{ _tag: "NeighborDown", peer: id(2), reason: "left" }])
      assert.deepStrictEqual(signals(), [false, true])
    }),
  )

  it.effect("knows the members that can be asked: no neighbours, and none that did not answer", () =>
    Effect.gen(function* () {
      const view = new SwarmView(yield* Timers.make)
      view.addMembers([1, 2, 3].map(id))
      view.apply([{ _tag: "NeighborUp", peer: id(1) }])
      assert.deepStrictEqual(view.otherMembers, [id(2), id(3)])
      view.asked.addAsked(id(2))
      assert.deepStrictEqual(view.otherMembers, [id(3)])
    }),
  )

  it.effect("makes a record of at most five neighbours and the last messages", () =>
    Effect.gen(function* () {
      const view = new SwarmView(yield* Timers.make)
      for (const n of [1, 2, 3, 4, 5, 6]) view.apply([{ _tag: "NeighborUp", peer: id(n) }])
      view.apply([received(new Uint8Array([7]))])
      view.addMembers([1, 2, 3, 4, 5, 6].map(id))
      assert.deepStrictEqual(view.recordContent(id(9), new Map()), {
        activePeers: [1, 2, 3, 4, 5].map(id),
        lastMessageHashes: [messageHash(new Uint8Array([7]))],
      })
    }),
  )

  it.effect(
    "names members in a record, then neighbours that passed on messages, and its own node for each other one",
    () =>
      Effect.gen(function* () {
        const view = new SwarmView(yield* Timers.make)
        const named = (proven: ReadonlyArray<number>) =>
          view.recordContent(id(9), new Map(proven.map((n) => [id(n), "proven"]))).activePeers
        assert.deepStrictEqual(named([]), [])
        for (const n of [1, 2, 3]) view.apply([{ _tag: "NeighborUp", peer: id(n) }])
        assert.deepStrictEqual(named([]), [id(9), id(9), id(9)])
        assert.deepStrictEqual(named([1]), [id(1), id(9), id(9)])
        view.addMembers([id(3), id(7)])
        assert.deepStrictEqual(named([1]), [id(3), id(1), id(9)])
      }),
  )

  it.effect(
    "is calm unless there are neighbours and none is known as a member, and restless if strangers come one after another",
    () =>
      Effect.gen(function* () {
        const view = new SwarmView(yield* Timers.make)
        const up = (n: number) => view.apply([{ _tag: "NeighborUp", peer: id(n) }])
        assert.isTrue(view.calm.isOpen)
        up(1)
        assert.isFalse(view.calm.isOpen)
        view.addMembers([id(1)])
        assert.isTrue(view.calm.isOpen)
        view.apply([{ _tag: "NeighborDown", peer: id(1), reason: "left" }])
        up(2)
        assert.deepStrictEqual([view.calm.isOpen, view.isRestless], [false, false])
        up(3)
        assert.isTrue(view.isRestless)
        yield* TestClock.adjust("1 minute")
        assert.isFalse(view.isRestless)
      }),
  )

  it.effect("remembers former neighbours", () =>
    Effect.gen(function* () {
      const view = new SwarmView(yield* Timers.make)
      view.apply([
        { _tag: "NeighborUp", peer: id(1) },
        { _tag: "NeighborDown", peer: id(1), reason: "left" },
      ])
      assert.deepStrictEqual([...view.graph.reachableFrom([id(9)], [])], [id(9), id(1)])
    }),
  )

  it.effect("forgets all links when a neighbour is lost", () =>
    Effect.gen(function* () {
      const view = new SwarmView(yield* Timers.make)
      view.graph.addRecord(record(5, [9]))
      view.apply([
        { _tag: "NeighborUp", peer: id(1) },
        { _tag: "NeighborDown", peer: id(1), reason: "lost" },
      ])
      assert.deepStrictEqual([...view.graph.reachableFrom([id(9)], [])], [id(9)])
    }),
  )

  it.effect("knows that it misses messages while it has no neighbour", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const view = new SwarmView(timers)
      view.messages.addSent(new Uint8Array([6]))
      yield* TestClock.adjust("1 second")
      view.apply([{ _tag: "NeighborUp", peer: id(1) }, received(new Uint8Array([7]))])
      assert.strictEqual(view.messages.completeSince, timers.now(), "a message without neighbours proves nothing")
      yield* TestClock.adjust("1 second")
      view.apply([{ _tag: "NeighborDown", peer: id(1), reason: "left" }])
      assert.isUndefined(view.messages.completeSince)
    }),
  )
})
