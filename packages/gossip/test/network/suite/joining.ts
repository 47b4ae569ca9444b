/** Tests of nodes that join and leave a topic. */
import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import {
  freshTopic,
  isJoined,
  joinedInLine,
  type Runner,
  recorded,
  text,
  textsOf,
  until,
  type World,
} from "../world.ts"

/** Two nodes that have the same topic open, each still alone in it. */
const unjoinedPair = Effect.fnUntraced(function* (world: World) {
  const [a, b] = [yield* world.node(), yield* world.node()]
  const id = freshTopic()
  const [atA, atB] = [yield* a.open(id), yield* b.open(id)]
  const [heardA, heardB] = [yield* recorded(atA), yield* recorded(atB)]
  return { a, b, atA, atB, heardA, heardB }
})

export const joining = (it: Runner): void => {
  describe("joining and leaving", () => {
    it("makes neighbours of two nodes, which receive each other's messages", (world) =>
      Effect.gen(function* () {
        const { a, b, atA, atB, heardA, heardB } = yield* unjoinedPair(world)
        yield* atB.join([a.endpointId])
        yield* until(world, "both have a neighbour", () =>
          Effect.sync(() => heardA.events.length > 0 && heardB.events.length > 0),
        )
        assert.deepStrictEqual(heardA.events, [{ _tag: "NeighborUp", peer: b.endpointId }])
        assert.deepStrictEqual(heardB.events, [{ _tag: "NeighborUp", peer: a.endpointId }])
        assert.deepStrictEqual([...(yield* atA.neighbors)], [b.endpointId])

        yield* atA.broadcast(text("to all"))
        yield* atB.broadcast(text("to neighbours"), "neighbors")
        yield* until(world, "both have received", () =>
          Effect.sync(() => heardA.events.length > 1 && heardB.events.length > 1),
        )
        const [atAEvent, atBEvent] = [heardA.events[1]!, heardB.events[1]!]
        assert(atAEvent._tag === "Received" && atBEvent._tag === "Received")
        assert.deepStrictEqual(
          { ...atBEvent, content: textsOf([atBEvent]), id: undefined },
          {
            _tag: "Received",
            content: ["to all"],
            id: undefined,
            deliveredFrom: a.endpointId,
            scope: "swarm",
            round: 0,
          },
        )
        assert.deepStrictEqual(
          [atAEvent.scope, atAEvent.deliveredFrom, textsOf([atAEvent])],
          ["neighbors", b.endpointId, ["to neighbours"]],
        )
      }))

    it("connects to one peer without informing the neighbours of that peer", (world) =>
      Effect.gen(function* () {
        const { a, b, atA, atB, heardA, heardB } = yield* unjoinedPair(world)
        const third = yield* world.node()
        const atThird = yield* third.open(atA.id)
        const heardThird = yield* recorded(atThird)
        yield* atThird.join([a.endpointId])
        yield* until(world, "the third is in", () => isJoined(atThird))
        yield* atB.connect([a.endpointId])
        yield* until(world, "both have each other", () =>
          Effect.sync(() => heardA.events.length > 1 && heardB.events.length > 0),
        )
        yield* atB.broadcast(text("over the link"))
        yield* until(world, "the third has received", () => Effect.sync(() => heardThird.texts().length > 0))
        assert.deepStrictEqual([...(yield* atB.neighbors)], [a.endpointId])
        assert.deepStrictEqual([...(yield* atThird.neighbors)], [a.endpointId])
        assert.sameMembers([...(yield* atA.neighbors)], [b.endpointId, third.endpointId])
      }))

    it("sends Disconnect to the neighbours when a topic closes, and can join it again", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const id = freshTopic()
        const atA = yield* a.open(id)
        const heardA = yield* recorded(atA)
        const tags = () => heardA.events.map(({ _tag }) => _tag)
        for (const round of [1, 2]) {
          const scope = yield* Scope.make()
          const atB = yield* b.open(id).pipe(Scope.provide(scope))
          const heardB = yield* recorded(atB)
          yield* atB.join([a.endpointId])
          yield* until(world, "b is up", () => Effect.sync(() => tags().length === 2 * round - 1))
          yield* until(world, "b is joined", () => isJoined(atB))
          yield* Scope.close(scope, Exit.void)
          yield* until(world, "b is down", () => Effect.sync(() => tags().length === 2 * round))
          yield* until(world, "b's stream has ended", () => Effect.sync(heardB.isOver))
          assert.strictEqual((yield* Effect.flip(atB.broadcast(text("late")))).reason, "Closed")
          assert.strictEqual((yield* Effect.flip(atB.join([]))).reason, "Closed")
          assert.strictEqual((yield* Effect.flip(atB.connect([]))).reason, "Closed")
          assert.strictEqual((yield* Effect.flip(atB.subscribe())).reason, "Closed")
        }
        const [up, down] = [
          { _tag: "NeighborUp", peer: b.endpointId },
          { _tag: "NeighborDown", peer: b.endpointId, reason: "left" },
        ] as const
        assert.deepStrictEqual(heardA.events, [up, down, up, down])
        yield* until(world, "no connection is left", () =>
          Effect.map(Effect.all([a.stats, b.stats]), (all) => all.every(({ connections }) => connections === 0)),
        )
      }))

    it("reports a node that ends to its neighbours, and ends its topics' streams", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const [atA, atB] = yield* joinedInLine(world, [a, b])
        const heardB = yield* recorded(atB!)
        yield* b.leave
        yield* until(world, "b is down", () => Effect.map(isJoined(atA!), (joined) => !joined))
        yield* until(world, "b's stream has ended", () => Effect.sync(heardB.isOver))
        const failure = yield* Effect.flip(Effect.scoped(b.open(freshTopic())))
        assert.strictEqual(failure.reason, "Closed")
      }))

    it("opens a topic only once", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const id = freshTopic()
        yield* a.open(id)
        const failure = yield* Effect.flip(Effect.scoped(a.open(id)))
        assert.strictEqual(failure.reason, "InvalidArgument")
        assert.include(failure.message, id.hex)
      }))

    it("makes neighbours of two nodes that dial each other at once", (world) =>
      Effect.gen(function* () {
        const { a, b, atA, atB, heardA, heardB } = yield* unjoinedPair(world)
        yield* Effect.all([atA.join([b.endpointId]), atB.join([a.endpointId])])
        yield* until(world, "both are joined", () =>
          Effect.map(Effect.all([isJoined(atA), isJoined(atB)]), ([joinedA, joinedB]) => joinedA && joinedB),
        )
        yield* atA.broadcast(text("from a"))
        yield* atB.broadcast(text("from b"))
        yield* until(world, "both have received", () =>
          Effect.sync(() => heardA.texts().length > 0 && heardB.texts().length > 0),
        )
        assert.deepStrictEqual([heardA.texts(), heardB.texts()], [["from b"], ["from a"]])
      }))

    it("refuses a request for a topic that is not open, and leaves nothing of it", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        const atA = yield* a.open(freshTopic())
        yield* atA.join([b.endpointId])
        yield* until(world, "the connection came and went", () =>
          Effect.gen(function* () {
            const stats = yield* a.stats
            return stats.messagesIn > 0 && stats.connections === 0 && (yield* b.stats).connections === 0
          }),
        )
        assert.isFalse(yield* isJoined(atA))
      }))
  })
}
