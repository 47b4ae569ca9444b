import { assert, describe, it } from "@effect/vitest"
import { TopicId } from "@topic-tracker/crypto"
import { Effect, Fiber, Stream } from "effect"
import type { TopicEvent } from "../../src/topic/TopicEvent.ts"
import { collect, joinAll, makeWorld, pass, quiet, quietWith, settle } from "./world.ts"

/** Two joined nodes without workers. */
const pair = Effect.gen(function* () {
  const world = yield* makeWorld()
  const nodes = yield* world.nodes(2, quiet)
  const [a, b] = yield* joinAll(nodes)
  yield* pass("1 second")
  return { world, nodes, a: a!, b: b! }
})

const texts = (events: ReadonlyArray<TopicEvent>) =>
  events.map((event) => (event._tag === "Message" ? event.text : event._tag))

describe("receiving", () => {
  it.effect("every subscriber gets every event; streams end when the topic is left", () =>
    Effect.gen(function* () {
      const { nodes, a, b } = yield* pair
      const fibers = yield* Effect.forEach([0, 1, 2], () => Effect.forkChild(Stream.runCollect(b.events)))
      yield* settle
      for (const text of ["one", "two", "three"]) yield* a.broadcast(text)
      yield* pass("100 millis")
      yield* nodes[1]!.leave
      const [first, ...others] = yield* Effect.forEach(fibers, Fiber.join)
      for (const events of others) assert.deepStrictEqual(texts(events), ["one", "two", "three", "NeighborDown"])
      assert.deepStrictEqual(texts(first!), ["NeighborUp", "one", "two", "three", "NeighborDown"], "since the join")
    }),
  )

  it.effect("a program that joins, sends and only then listens gets the events since the join, once", () =>
    Effect.gen(function* () {
      const { a, b, nodes } = yield* pair
      for (const text of ["one", "two"]) yield* a.broadcast(text)
      yield* pass("100 millis")
      const second = yield* nodes[1]!.join()
      yield* a.broadcast("three")
      yield* pass("100 millis")
      const heard = Effect.map(
        Effect.forEach([b, b, second], ({ messages }) => collect(messages)),
        (all) => all.map(texts),
      )
      const lists = yield* heard
      yield* pass("100 millis")
      assert.deepStrictEqual(lists, [["one", "two", "three"], [], ["three"]])
    }),
  )

  it.effect("listening to events first takes nothing from the first listener to messages", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* a.broadcast("before")
      yield* pass("100 millis")
      const events = yield* b.subscribe()
      yield* a.broadcast("between")
      yield* pass("100 millis")
      assert.deepStrictEqual(texts(yield* collect(b.messages)), ["before", "between"])
      assert.deepStrictEqual(texts(yield* collect(events)), ["NeighborUp", "before", "between"])
      assert.deepStrictEqual(texts(yield* collect(b.events)), [])
    }),
  )

  it.effect("a subscription without replay leaves the events since the join to the next one", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* a.broadcast("before")
      yield* pass("100 millis")
      const fresh = yield* b.subscribe({ replay: false })
      yield* a.broadcast("after")
      yield* pass("100 millis")
      assert.deepStrictEqual(texts(yield* collect(fresh)), ["after"])
      assert.deepStrictEqual(texts(yield* collect(yield* b.subscribe())), ["NeighborUp", "before", "after"])
    }),
  )

  it.effect("a subscriber that changes a message's bytes does not affect the others", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const streams = yield* Effect.forEach(["drop-oldest", "backpressure", "drop-oldest"] as const, (whenSlow) =>
        b.subscribe({ replay: false, whenSlow }),
      )
      yield* a.broadcast("untouched")
      yield* pass("100 millis")
      for (const stream of streams) {
        const [event] = yield* Stream.runCollect(Stream.take(stream, 1))
        assert.strictEqual(event?._tag === "Message" ? event.text : undefined, "untouched")
        if (event?._tag === "Message") event.content.fill(0)
      }
      assert.deepStrictEqual(texts(yield* collect(b.messages)), ["untouched"])
    }),
  )

  it.effect("a program that waited for the first neighbour gets its NeighborUp, and the events with it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [one, other] = yield* world.nodes(2, quiet)
      const waiting = yield* Effect.forkChild(one!.tracker.join({ topic: "topic", secret: "secret" }))
      const b = yield* other!.join()
      yield* Effect.forkChild(Effect.andThen(b.joined, b.broadcast("welcome")))
      yield* pass("1 second")
      const a = yield* Fiber.join(waiting)
      assert.deepStrictEqual(texts(yield* Stream.runCollect(Stream.take(a.events, 2))), ["NeighborUp", "welcome"])
    }),
  )

  it.effect("the events kept for the first subscriber are bounded, and a loss is reported", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [one, other] = yield* world.nodes(2, quietWith({ subscribers: { capacity: 3 } }))
      const [a, b] = yield* joinAll([one!, other!])
      yield* pass("1 second")
      for (const n of [1, 2, 3, 4, 5]) yield* a!.broadcast(`message ${n}`)
      yield* pass("100 millis")
      const [first, ...rest] = yield* Stream.runCollect(Stream.take(b!.events, 4))
      assert.deepStrictEqual(first, { _tag: "Lagged", skipped: 3 }, "a NeighborUp and two messages")
      assert.deepStrictEqual(texts(rest), ["message 3", "message 4", "message 5"])
    }),
  )

  it.effect("a slow subscriber gets the number of lost events; one with backpressure loses nothing", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pair
      // The first subscription gets the events since the join.
      yield* Effect.scoped(b.subscribe())
      const slow = yield* b.subscribe({ capacity: 2 })
      const patient = yield* b.subscribe({ capacity: 2, whenSlow: "backpressure" })
      const sent = Array.from({ length: 10 }, (_, i) => `message ${i}`)
      for (const text of sent) yield* a.broadcast(text)
      yield* pass("1 second")
      const all = yield* Stream.runCollect(Stream.take(patient, 10))
      assert.deepStrictEqual(texts(all), sent)
      const [first, ...rest] = yield* Stream.runCollect(Stream.take(slow, 3))
      assert.deepStrictEqual(first, { _tag: "Lagged", skipped: 8 })
      assert.deepStrictEqual(texts(rest), sent.slice(8))
    }),
  )

  it.effect("knows the hashes of the last five messages it received, and not of its own", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pair
      for (const n of [1, 2, 3, 4, 5, 6]) yield* a.broadcast(`message ${n}`)
      yield* pass("100 millis")
      assert.deepStrictEqual(yield* a.lastMessageHashes, [])
      assert.deepStrictEqual(
        yield* b.lastMessageHashes,
        [2, 3, 4, 5, 6].map((n) => TopicId.fromName(`message ${n}`).bytes),
      )
    }),
  )

  it.effect("a message to the neighbours goes no further", () =>
    Effect.gen(function* () {
      const { world, b, nodes } = yield* pair
      const third = yield* world.node(quietWith({ bootstrap: { publishRecordOnStartup: false } }))
      const c = yield* third.join()
      yield* c.joinPeers([nodes[1]!.endpointId])
      yield* pass("1 second")
      const heard = yield* collect(c.messages)
      yield* b.broadcastNeighbors("near")
      yield* pass("100 millis")
      assert.deepStrictEqual(
        heard.map(({ text, scope }) => [text, scope]),
        [["near", "neighbors"]],
      )
    }),
  )

  it.effect("neighborChanges gives the neighbours now and after each change", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [x, y] = yield* world.nodes(2, quiet)
      const topic = yield* x!.join()
      const changes = yield* collect(topic.neighborChanges)
      yield* y!.join()
      yield* pass("1 second")
      yield* y!.leave
      yield* pass("1 second")
      assert.deepStrictEqual(
        changes.map((peers) => [...peers]),
        [[], [y!.endpointId], []],
      )
    }),
  )

  it.effect("content that cannot be sent is an error for the caller, and the connection stays", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const error = yield* Effect.flip(a.broadcast(new Uint8Array(5000)))
      assert.strictEqual(error.reason._tag, "MessageTooLarge")
      const heard = yield* collect(b.messages)
      yield* a.broadcast("after")
      yield* a.broadcast("")
      yield* pass("100 millis")
      assert.deepStrictEqual(
        heard.map(({ text }) => text),
        ["after", ""],
      )
    }),
  )

  it.effect("joinPeers asks `max` peers, chosen at random, and refuses an invalid max", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const options = quietWith({ bootstrap: { maxBootstrapRecords: 0, publishRecordOnStartup: false } })
      const nodes = yield* world.nodes(5, options)
      const topics = yield* joinAll(nodes)
      const others = nodes.slice(1).map(({ endpointId }) => endpointId)
      for (const max of [0, -1, 1.5]) {
        const error = yield* Effect.flip(topics[0]!.joinPeers(others, max))
        assert.strictEqual(error.reason._tag, "InvalidArgument")
        assert.include(error.message, "max")
      }
      yield* topics[0]!.joinPeers(others, 1)
      yield* pass("1 second")
      assert.strictEqual((yield* topics[0]!.neighbors).size, 1)
    }),
  )
})
