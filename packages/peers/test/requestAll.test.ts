/** One call to many peers, and how fast an interruption travels; in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { EndpointId } from "@topic-tracker/crypto"
import { Cause, Duration, Effect, Exit, Fiber, Layer, Option, Schema, type Scope, Stream } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization } from "effect/rpc"
import { TestClock } from "effect/testing"
import { PeerError, PeerRpc, Peers } from "../src/index.ts"
import { served } from "./suite/calls.ts"
import { inTime, makeMemoryWorld, type TestPeers } from "./world.ts"

class Ask extends RpcGroup.make(
  Rpc.make("Load", { success: Schema.Number, error: Schema.String }),
  Rpc.make("Hang", {}),
) {}

const LINK_MS = 50

const test = (
  name: string,
  body: (world: Effect.Success<ReturnType<typeof makeMemoryWorld>>) => Effect.Effect<void, unknown, Scope.Scope>,
) => it.effect(name, () => Effect.flatMap(makeMemoryWorld({ link: () => ({ delayMs: LINK_MS }) }), body))

/** A member whose load is this; it takes as many seconds. */
const member = Effect.fnUntraced(function* (world: Effect.Success<ReturnType<typeof makeMemoryWorld>>, load: number) {
  const node = yield* world.node({ secret: "s" })
  const seen = { interruptedAt: Number.NaN }
  const handlers = Ask.toLayer({
    Load: () => (load < 0 ? Effect.fail("no load") : Effect.as(Effect.sleep(Duration.seconds(load)), load)),
    Hang: () =>
      Effect.onInterrupt(Effect.never, () =>
        Effect.map(
          Effect.clockWith((clock) => clock.currentTimeMillis),
          (now) => {
            seen.interruptedAt = now
          },
        ),
      ),
  })
  yield* served(node, Ask, handlers)
  return { ...node, seen }
})

const provide = <A, E, R>(node: TestPeers, effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.provide(RpcSerialization.layerSchemaBinary()), Effect.provideService(Peers, node))

/** What each exit says, by the number of the member. */
const summary = (members: ReadonlyArray<TestPeers>, answers: ReadonlyArray<PeerRpc.Answer<number, unknown>>) =>
  answers.map(({ exit, peer }) => {
    const number = members.findIndex(({ endpointId }) => endpointId === peer)
    if (Exit.isSuccess(exit)) return `${number}: ${exit.value}`
    const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    return `${number}: ${error instanceof PeerError ? error.reason : error}`
  })

describe("requestAll", () => {
  test("gives the exit of every member as it comes: values, errors, and why a member did not answer", (world) =>
    Effect.gen(function* () {
      const asker = yield* world.node({ secret: "s" })
      const members: Array<TestPeers> = []
      for (const load of [3, 1, -1, 60]) members.push(yield* member(world, load))
      members.push(yield* world.node({ secret: "s" }))
      const unknown = EndpointId.fromBytes(new Uint8Array(32).fill(9))
      const ids = [...members.map(({ endpointId }) => endpointId), unknown, members[0]!.endpointId]
      const answers = yield* inTime(
        world,
        "all have answered",
        provide(
          asker,
          Stream.runCollect(
            PeerRpc.requestAll(ids, Ask, (client) => client.Load(), { protocol: "rpc", timeout: "12 seconds" }),
          ),
        ),
      )
      assert.deepStrictEqual(summary(members, [...answers]).sort(), [
        "-1: Unreachable",
        "0: 3",
        "1: 1",
        "2: no load",
        "3: TimedOut",
        "4: NotServed",
      ])
      const order = [...answers].map(({ peer }) => peer)
      assert.isBelow(order.indexOf(members[1]!.endpointId), order.indexOf(members[0]!.endpointId))
    }))

  test("ends after the first k successes, and interrupts the others", (world) =>
    Effect.gen(function* () {
      const asker = yield* world.node({ secret: "s" })
      const members = []
      for (const load of [-1, 2, 40, 1, 50]) members.push(yield* member(world, load))
      const answers = yield* inTime(
        world,
        "two have answered",
        provide(
          asker,
          Stream.runCollect(
            PeerRpc.requestAll(
              members.map(({ endpointId }) => endpointId),
              Ask,
              (client) => client.Load(),
              { protocol: "rpc", timeout: "1 minute", first: 2 },
            ),
          ),
        ),
      )
      assert.deepStrictEqual(summary(members, [...answers]), ["0: no load", "3: 1", "1: 2"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* asker.stats).opened, 5)
    }))

  test("asks so many members at a time", (world) =>
    Effect.gen(function* () {
      const asker = yield* world.node({ secret: "s" })
      const members: Array<TestPeers> = []
      for (let i = 0; i < 4; i++) members.push(yield* member(world, 2))
      const asking = yield* Effect.forkChild(
        provide(
          asker,
          Stream.runCollect(
            PeerRpc.requestAll(
              members.map(({ endpointId }) => endpointId),
              Ask,
              (client) => client.Load(),
              { protocol: "rpc", concurrency: 2 },
            ),
          ),
        ),
      )
      for (let i = 0; i < 150; i++) yield* world.pass
      assert.strictEqual((yield* asker.stats).opened, 2)
      assert.lengthOf(yield* inTime(world, "all have answered", Fiber.join(asking)), 4)
    }))

  test("a member that leaves meanwhile is an exit at once", (world) =>
    Effect.gen(function* () {
      const asker = yield* world.node({ secret: "s" })
      const members = [yield* member(world, 3), yield* member(world, 3)]
      const asking = yield* Effect.forkChild(
        provide(
          asker,
          Stream.runCollect(
            PeerRpc.requestAll(
              members.map(({ endpointId }) => endpointId),
              Ask,
              (client) => client.Load(),
              { protocol: "rpc" },
            ),
          ),
        ),
      )
      for (let i = 0; i < 100; i++) yield* world.pass
      yield* members[1]!.leave
      const answers = yield* inTime(world, "both have answered", Fiber.join(asking))
      assert.deepStrictEqual(summary(members, [...answers]), ["1: Left", "0: 3"])
      const leftError = [...answers][0]!.exit
      assert.deepInclude(Exit.isFailure(leftError) && Cause.squash(leftError.cause), {
        peer: members[1]!.endpointId,
        protocol: "rpc",
      })
    }))
})

describe("an interruption of the caller", () => {
  test("reaches the handler within a round trip", (world) =>
    Effect.gen(function* () {
      const asker = yield* world.node({ secret: "s" })
      const server = yield* member(world, 1)
      const context = yield* Layer.build(
        PeerRpc.layerClientProtocol(server.endpointId, { protocol: "rpc" }).pipe(
          Layer.provide(RpcSerialization.layerSchemaBinary()),
          Layer.provide(Layer.succeed(Peers, asker)),
        ),
      )
      const client = yield* RpcClient.make(Ask).pipe(Effect.provideContext(context))
      yield* inTime(world, "it answers", client.Load())
      const hanging = yield* Effect.forkChild(client.Hang())
      for (let i = 0; i < 20; i++) yield* world.pass
      const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      yield* Effect.forkChild(Fiber.interrupt(hanging))
      yield* TestClock.adjust(2 * LINK_MS)
      assert.isAtMost(server.seen.interruptedAt - at, 2 * LINK_MS)
    }))
})
