import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht"
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import type { TopicConfigInput } from "../../src/config/TopicConfig.ts"
import { TopicTracker } from "../../src/TopicTracker.ts"
import type { Topic } from "../../src/topic/Topic.ts"

/** A testnet of real DHT nodes, and nodes of ours with real sockets, all on loopback. */
const testnet = Effect.gen(function* () {
  const { addresses } = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer))
  const bootstrap = addresses.slice(0, 1)
  return Effect.fnUntraced(function* (config: TopicConfigInput = {}) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const services = yield* Layer.buildWithScope(TopicTracker.layer({ bootstrap, config }), scope)
    const tracker = Context.get(services, TopicTracker)
    return {
      endpointId: tracker.endpointId,
      join: tracker.join({ topic: "topic", secret: "secret" }),
      leave: Scope.close(scope, Exit.void),
    }
  })
})

const hears = (topic: Topic, text: string) =>
  Effect.map(topic.subscribe(), (events) =>
    Stream.runHead(Stream.filter(events, (event) => event._tag === "Message" && event.text === text)),
  )

describe("with real sockets on loopback", () => {
  it.live("two nodes start together, a third comes later, the first leaves, and a fourth still gets in", () =>
    Effect.gen(function* () {
      const node = yield* testnet
      const [a, b] = yield* Effect.all([node(), node()], { concurrency: 2 })
      const [first, second] = yield* Effect.all([a.join, b.join], { concurrency: 2 })
      const third = yield* (yield* node()).join
      const heard = yield* Effect.all([hears(second, "from the first"), hears(third, "from the first")])
      yield* first.broadcast("from the first")
      for (const waiting of heard) assert.strictEqual((yield* waiting)._tag, "Some")
      yield* a.leave
      const fourth = yield* (yield* node()).join
      const last = yield* hears(fourth, "to the fourth")
      yield* second.broadcast("to the fourth")
      assert.strictEqual((yield* last)._tag, "Some")
    }),
  )
})
