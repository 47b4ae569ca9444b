import { assert, describe, it } from "@effect/vitest"
import { Crypto, TopicTracker } from "@topic-tracker/core"
import { Context, Effect, Layer } from "effect"

describe("the tracker's option `crypto`", () => {
  it.live("is the Crypto of all services below the tracker", () =>
    Effect.gen(function* () {
      let made = 0
      const own = Layer.effect(
        Crypto,
        Effect.map(Effect.provide(Effect.service(Crypto), Crypto.layerPortable()), (service) => {
          made++
          return { ...service }
        }),
      )
      const layer = TopicTracker.layer({ crypto: own, config: { dht: { bootstrap: ["127.0.0.1:9"] } } })
      const services = yield* Layer.build(layer)
      assert.strictEqual(made, 1)
      assert.notStrictEqual(
        Context.get(services, Crypto),
        yield* Effect.provide(Effect.service(Crypto), Crypto.layerPortable()),
      )
    }).pipe(Effect.scoped),
  )
})
