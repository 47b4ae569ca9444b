/** The counters of a node with open and members-only topics: each engine counts its own, and the node shows all. */
import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Effect, Exit, Layer, Redacted, Scope } from "effect"
import { Gossip } from "../../src/index.ts"
import { layerMemory, MemoryNetwork } from "../../src/testing.ts"

const node = (network: MemoryNetwork) =>
  layerMemory(network).pipe(
    Layer.provideMerge(Identity.layerRandom()),
    Layer.provideMerge(Layer.merge(Crypto.layerTest(), SecretRotation.layer())),
  )

describe("stats of a node", () => {
  it.effect("count members-only topics too, also after they were left", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.make()
      const services = yield* Layer.build(Layer.fresh(node(network)))
      const other = yield* Layer.build(Layer.fresh(node(network)))
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
})
