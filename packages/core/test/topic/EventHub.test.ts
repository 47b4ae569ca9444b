import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { EventHub } from "../../src/topic/EventHub.ts"

const numbers = (options?: { readonly replay?: number }) =>
  new EventHub<number | string>({ lagged: (skipped) => `lagged ${skipped}`, ...options })

describe("EventHub", () => {
  it.effect("gives every event to every subscriber, in order", () =>
    Effect.gen(function* () {
      const hub = numbers()
      const streams = yield* Effect.all([hub.subscribe(), hub.subscribe(), hub.subscribe()])
      yield* hub.publish([1, 2])
      yield* hub.publish([3])
      yield* hub.end
      for (const stream of streams) assert.deepStrictEqual(yield* Stream.runCollect(stream), [1, 2, 3])
    }).pipe(Effect.scoped),
  )

  it.effect("reports to a slow subscriber how many events it lost, and to no other", () =>
    Effect.gen(function* () {
      const hub = numbers()
      const slow = yield* hub.subscribe({ capacity: 2 })
      const patient = yield* hub.subscribe({ capacity: 8 })
      for (const n of [1, 2, 3, 4, 5]) yield* hub.publish([n])
      yield* hub.end
      assert.deepStrictEqual(yield* Stream.runCollect(slow), ["lagged 3", 4, 5])
      assert.deepStrictEqual(yield* Stream.runCollect(patient), [1, 2, 3, 4, 5])
    }).pipe(Effect.scoped),
  )

  it.effect("waits for a full subscriber with backpressure, which loses nothing", () =>
    Effect.gen(function* () {
      const hub = numbers()
      const slow = yield* hub.subscribe({ capacity: 2, whenSlow: "backpressure" })
      const publishing = yield* Effect.forkChild(hub.publish([1, 2, 3, 4, 5]), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(publishing.pollUnsafe())
      const taken = yield* Stream.runCollect(Stream.take(slow, 5))
      yield* Fiber.join(publishing)
      assert.deepStrictEqual(taken, [1, 2, 3, 4, 5])
    }).pipe(Effect.scoped),
  )

  it.effect("releases the publisher when the full subscriber leaves or the hub ends", () =>
    Effect.gen(function* () {
      for (const how of ["leaves", "ends"]) {
        const hub = numbers()
        const scope = yield* Scope.make()
        yield* hub.subscribe({ capacity: 1, whenSlow: "backpressure" }).pipe(Scope.provide(scope))
        const publishing = yield* Effect.forkChild(hub.publish([1, 2, 3]), { startImmediately: true })
        yield* Effect.yieldNow
        assert.isUndefined(publishing.pollUnsafe())
        yield* how === "leaves" ? Scope.close(scope, Exit.void) : hub.end
        yield* Fiber.join(publishing)
      }
    }),
  )

  it.effect("gives the last events to a new subscriber first, and ends a stream that starts after the end", () =>
    Effect.gen(function* () {
      const hub = numbers({ replay: 2 })
      for (const n of [1, 2, 3]) yield* hub.publish([n])
      const late = yield* hub.subscribe()
      yield* hub.publish([4])
      yield* hub.end
      assert.deepStrictEqual(yield* Stream.runCollect(late), [2, 3, 4])
      assert.deepStrictEqual(yield* Stream.runCollect(hub.stream()), [3, 4])
      yield* hub.publish([5])
      assert.deepStrictEqual(yield* Stream.runCollect(hub.stream()), [3, 4])
    }).pipe(Effect.scoped),
  )

  it.effect("forgets a subscriber whose stream was interrupted", () =>
    Effect.gen(function* () {
      const hub = numbers()
      const taking = yield* Effect.forkChild(Stream.runDrain(hub.stream()), { startImmediately: true })
      yield* Effect.yieldNow
      assert.strictEqual(hub.subscriberCount, 1)
      yield* Fiber.interrupt(taking)
      assert.strictEqual(hub.subscriberCount, 0)
    }),
  )

  it.effect("ends the stream of a closed subscription, also for a fiber that waits for it", () =>
    Effect.gen(function* () {
      const hub = numbers()
      const scope = yield* Scope.make()
      const [waited, read] = yield* Effect.all([hub.subscribe(), hub.subscribe()]).pipe(Scope.provide(scope))
      const waiting = yield* Effect.forkChild(Stream.runCollect(waited), { startImmediately: true })
      yield* hub.publish([1, 2])
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      yield* hub.publish([3])
      yield* Effect.yieldNow
      const late = yield* Effect.forkChild(Stream.runCollect(read), { startImmediately: true })
      yield* Effect.yieldNow
      assert.deepStrictEqual(waiting.pollUnsafe(), Exit.succeed([1, 2]))
      assert.deepStrictEqual(late.pollUnsafe(), Exit.succeed([1, 2]))
    }),
  )
})
