/** Tests of the members that a message reaches, and of slow subscribers. */
import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Scope, Stream } from "effect"
import { freshTopic, inTime, isJoined, joinedInLine, type Runner, recorded, text, textsOf, until } from "../world.ts"

export const messages = (it: Runner): void => {
  describe("messages", () => {
    it("delivers the message of one of five nodes to the other four once", (world) =>
      Effect.gen(function* () {
        const nodes = yield* Effect.all(Array.from({ length: 5 }, () => world.node()))
        const members = yield* joinedInLine(world, nodes)
        const heard = yield* Effect.all(members.map((member) => recorded(member)))
        for (const [i, member] of members.entries()) yield* member.broadcast(text(`from ${i}`))
        yield* until(world, "each has received four", () =>
          Effect.sync(() => heard.every(({ texts }) => texts().length >= 4)),
        )
        yield* world.pass
        for (const [i, { texts }] of heard.entries()) {
          const others = [0, 1, 2, 3, 4].filter((other) => other !== i).map((other) => `from ${other}`)
          assert.deepStrictEqual([...texts()].sort(), others)
        }
      }))

    it("delivers a message for the neighbours to no other node", (world) =>
      Effect.gen(function* () {
        // With at most two neighbours each, six nodes are not all neighbours of each other.
        const nodes = yield* Effect.all(
          Array.from({ length: 6 }, () => world.node({ membership: { activeViewCapacity: 2 } })),
        )
        const members = yield* joinedInLine(world, nodes)
        const heard = yield* Effect.all(members.map((member) => recorded(member)))
        yield* members[0]!.broadcast(text("near"), "neighbors")
        const neighbors = yield* members[0]!.neighbors
        const receivers = () => nodes.filter((_, i) => heard[i]!.texts().includes("near"))
        yield* until(world, "the neighbours have received", () =>
          Effect.sync(() => receivers().length >= neighbors.size),
        )
        for (let i = 0; i < 10; i++) yield* world.pass
        assert.deepStrictEqual(new Set(receivers().map(({ endpointId }) => endpointId)), neighbors)
      }))

    it("delivers content of the maximum size and fails with larger content", (world) =>
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

    it("is not affected when the caller changes the content afterwards", (world) =>
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

    it("gives each subscriber content of its own: what one writes into it, no other sees", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const [first, second] = [yield* recorded(atB!), yield* recorded(atB!)]
        yield* atA!.broadcast(text("shared"))
        yield* until(world, "it arrived", () => Effect.sync(() => second.texts().length > 0))
        for (const event of first.events) if (event._tag === "Received") event.content.fill(0)
        assert.deepStrictEqual(second.texts(), ["shared"])
      }))

    it("gives a slow subscriber the newest events and the number of skipped ones", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const slow = yield* atB!.subscribe({ capacity: 4 })
        const fast = yield* recorded(atB!)
        for (let i = 0; i < 10; i++) yield* atA!.broadcast(text(`${i}`))
        yield* until(world, "the fast one has received all", () => Effect.sync(() => fast.texts().length === 10))
        const events = yield* slow.pipe(Stream.take(5), Stream.runCollect)
        assert.deepStrictEqual(events[0], { _tag: "Lagged", skipped: 6 })
        assert.deepStrictEqual(textsOf(events), ["6", "7", "8", "9"])
        assert.strictEqual((yield* b.stats).lagged, 6)
      }))

    it("makes the sender wait for a slow subscriber with backpressure, which loses nothing", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node({ sendQueueBytes: 50_000 }), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const slow = yield* atB!.subscribe({ capacity: 4, whenSlow: "backpressure" })
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
        // It stops when the windows on the way are full, long before the end.
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

    it("gives a subscriber with backpressure also the messages of a peer that has left meanwhile", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const slow = yield* atB!.subscribe({ capacity: 4, whenSlow: "backpressure" })
        const total = 60
        for (let i = 0; i < total; i++) yield* atA!.broadcast(text(`${i}`.padEnd(4_000)))
        yield* inTime(world, "a has left", a.leave)
        yield* until(world, "it is missed", () => Effect.map(isJoined(atB!), (joined) => !joined))
        const messages = slow.pipe(
          Stream.filter((event) => event._tag === "Received"),
          Stream.take(total),
          Stream.runCollect,
        )
        const heard = textsOf(yield* inTime(world, "all was read", messages))
        assert.deepStrictEqual(
          heard.map((content) => Number(content)),
          Array.from({ length: total }, (_, i) => i),
        )
        assert.strictEqual((yield* b.stats).connections, 0)
      }))

    it("ends the stream of a subscription that is over", (world) =>
      Effect.gen(function* () {
        const topic = yield* (yield* world.node()).open(freshTopic())
        const subscription = yield* Scope.make()
        const stream = yield* topic.subscribe().pipe(Scope.provide(subscription))
        const reading = yield* stream.pipe(Stream.runDrain, Effect.forkScoped)
        yield* world.pass
        assert.isUndefined(reading.pollUnsafe())
        yield* Scope.close(subscription, Exit.void)
        yield* until(world, "it has ended", () => Effect.sync(() => reading.pollUnsafe() !== undefined))
      }))

    it("loses nothing of a burst for a subscriber that reads whenever it can", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const heard = yield* recorded(atB!, { capacity: 8 })
        for (let i = 0; i < 500; i++) yield* atA!.broadcast(text(`${i}`))
        yield* until(world, "all have arrived", () => Effect.sync(() => heard.events.length >= 500))
        assert.deepStrictEqual(
          heard.texts(),
          Array.from({ length: 500 }, (_, i) => `${i}`),
        )
      }))

    it("shares one connection between many topics, each with its own messages", (world) =>
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
        yield* until(world, "all have arrived", () =>
          Effect.sync(() => heard.every(({ texts }) => texts().length === 1)),
        )
        assert.deepStrictEqual(
          heard.map(({ texts }) => texts()[0]),
          ids.map(({ hex }) => hex),
        )
      }))
  })
}
