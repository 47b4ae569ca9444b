import { assert, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { freshTopic, inTime, isJoined, makeMemoryWorld, until } from "./world.ts"

it.effect("GossipTopic.vouchFor marks neighbours, and has no effect after the topic has closed", () =>
  Effect.gen(function* () {
    const world = yield* makeMemoryWorld()
    const [a, b] = [yield* world.node(), yield* world.node()]
    const id = freshTopic()
    yield* b.open(id)
    const scope = yield* Scope.fork(yield* Effect.scope)
    const atA = yield* a.open(id).pipe(Effect.provideService(Scope.Scope, scope))
    yield* atA.join([b.endpointId])
    yield* until(world, "a neighbour", () => isJoined(atA))
    assert.deepStrictEqual([...(yield* atA.neighborTrust)], [[b.endpointId, "unknown"]])
    yield* atA.vouchFor([b.endpointId])
    assert.deepStrictEqual([...(yield* atA.neighborTrust)], [[b.endpointId, "vouched"]])
    assert.isTrue(yield* atA.mayConnect)
    yield* inTime(world, "the topic closes", Scope.close(scope, Exit.void))
    yield* atA.vouchFor([b.endpointId])
    assert.strictEqual((yield* atA.neighborTrust).size, 0)
    assert.isFalse(yield* atA.mayConnect)
  }),
)
