/** The counters of a node with open and members-only topics: each engine counts its own, and the node shows all. */
import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Gossip } from "../../src/index.ts"
import { layerMemory, MemoryNetwork } from "../../src/testing.ts"

const node = (network: MemoryNetwork) =>
  layerMemory(network).pipe(
    Layer.provideMerge(Identity.layerRandom()),
    Layer.provideMerge(Layer.merge(Crypto.layerTest(), SecretRotation.layer())),
  )

/** Opens a members-only topic at a node. */
const open = Effect.gen(function* () {
  const gossip = yield* Gossip
  const { signingKey } = yield* Identity
  return yield* gossip.openMembers({
    crypto: yield* Crypto,
    rotation: yield* SecretRotation,
    author: signingKey,
    topic: TopicId.fromName("crew"),
    secretHash: initialSecretHash(Redacted.make("s")),
  })
})

describe("stats of a node", () => {
  it.effect("count members-only topics too, also after they were left", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.make()
      const services = yield* Layer.build(Layer.fresh(node(network)))
      const other = yield* Layer.build(Layer.fresh(node(network)))
      const scope = yield* Scope.make()
      const here = yield* open.pipe(Effect.provide(services), Scope.provide(scope))
      yield* open.pipe(Effect.provide(other))
      const { endpointId } = yield* Effect.provide(Gossip, other)
      yield* here.gossip.join([endpointId])
      for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
      const stats = Effect.flatMap(Gossip, (gossip) => gossip.stats).pipe(Effect.provide(services))
      const joined = yield* stats
      assert.isAbove(joined.messagesOut, 0)
      assert.deepInclude(joined, { topics: 1, peers: 1, dials: 1 })
      yield* Scope.close(scope, Exit.void)
      const left = yield* stats
      assert.isAtLeast(left.messagesOut, joined.messagesOut)
      assert.deepInclude(left, { topics: 0, peers: 0, dials: 1 })
    }),
  )

  it.effect("latencies of three nodes, of a members-only topic too, and after it was left", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.make({ link: () => ({ delayMs: 10 }) })
      const world = Array.from({ length: 3 }, () => Layer.build(Layer.fresh(node(network))))
      const nodes = yield* Effect.all(world)
      const scope = yield* Scope.make()
      const topics = yield* Effect.forEach(nodes, (services) =>
        open.pipe(Effect.provide(services), Scope.provide(scope)),
      )
      const ids = nodes.map((services) => Context.get(services, Gossip).endpointId)
      yield* topics[1]!.gossip.join([ids[0]!])
      yield* topics[2]!.gossip.join([ids[0]!])
      yield* TestClock.adjust("2 seconds")
      const channels = yield* Effect.forEach(topics, (topic) => Scope.provide(topic.channel("c"), scope))
      // Broadcasts turn the triangle into a tree with one lazy link, on which announcements come back.
      for (let i = 0; i < 9; i++) {
        yield* channels[i % 3]!.publish([new Uint8Array(8).fill(i)])
        yield* TestClock.adjust("500 millis")
      }
      const all = Effect.forEach(nodes, (services) => Context.get(services, Gossip).latencies)
      const before = yield* all
      const heard = before.filter(({ echo }) => echo.count > 0)
      assert.lengthOf(heard, 2, "both ends of the lazy link")
      for (const { echo, secondCopy, write } of heard) {
        // There, to the third node, and back; the announcement waits for 5 ms.
        assert.isAtLeast(echo.min, 30)
        assert.isAtMost(echo.max, 40)
        assert.isAbove(secondCopy.count, 0)
        assert.isAbove(write.count, 0)
      }
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(
        (yield* all).map(({ echo }) => echo),
        before.map(({ echo }) => echo),
      )
    }).pipe(Effect.scoped),
  )
})
