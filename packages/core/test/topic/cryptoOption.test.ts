import { assert, describe, it } from "@effect/vitest"
import { Crypto, TopicTracker } from "@topic-tracker/core"
import { Context, Effect, Layer } from "effect"

describe("the tracker's option `crypto`", () => {
  it.live("is the Crypto of all services below the tracker", () =>
    Effect.gen(function* () {
      const made: Array<Crypto["Service"]> = []
      const own = Layer.effect(
        Crypto,
        Effect.map(Effect.provide(Effect.service(Crypto), Crypto.layerPortable()), (service) => {
          const copy = { ...service }
          made.push(copy)
          return copy
        }),
      )
      const layer = TopicTracker.layer({ crypto: own, config: { dht: { bootstrap: ["127.0.0.1:9"] } } })
      const services = yield* Layer.build(layer)
      assert.lengthOf(made, 1)
      assert.strictEqual(Context.get(services, Crypto), made[0])
    }).pipe(Effect.scoped),
  )
})
