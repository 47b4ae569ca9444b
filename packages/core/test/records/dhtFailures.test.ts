import { assert, describe, it } from "@effect/vitest"
import type { Crypto } from "@topic-tracker/crypto"
import { Dht, DhtError } from "@topic-tracker/dht"
import { Effect, Fiber, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import { hello, minute, network, publisher, publishNew } from "./publishers.ts"

describe("RecordPublisher when the DHT fails", () => {
  describe("a put that fails", () => {
    const config = { dht: { retries: 2, baseRetryInterval: "5 seconds", maxRetryJitter: 0 } } as const

    it.effect("is tried again after the interval", () =>
      Effect.gen(function* () {
        const { dht, setFaults } = yield* network({ dead: 1 })
        const ann = yield* publisher({ dht, key: 1, config })
        const record = yield* ann.newRecord(minute, hello)
        const put = yield* Effect.forkChild(ann.publish(record, { known: [] }))
        yield* TestClock.adjust("4999 millis")
        assert.strictEqual((yield* ann.stats).putFailures, 1)
        yield* setFaults({ dead: 0 })
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.join(put))._tag, "Published")
      }),
    )

    it.effect("fails with the DHT's error after the last try", () =>
      Effect.gen(function* () {
        const { dht } = yield* network({ dead: 1 })
        const ann = yield* publisher({ dht, key: 1, config })
        const record = yield* ann.newRecord(minute, hello)
        const put = yield* Effect.forkChild(Effect.flip(ann.publish(record, { known: [] })))
        yield* TestClock.adjust("10 seconds")
        const error = yield* Fiber.join(put)
        assert.deepStrictEqual([error._tag, error._tag === "DhtError" && error.reason], ["DhtError", "NoNodes"])
        assert.strictEqual((yield* ann.stats).putFailures, 3)
      }),
    )

    it.effect("waits a random share of the jitter longer", () =>
      Effect.gen(function* () {
        const { dht } = yield* network({ dead: 1 })
        const jittered = { dht: { ...config.dht, retries: 1, maxRetryJitter: "10 seconds" } } as const
        const waits: Array<number> = []
        for (let key = 1; key <= 5; key++) {
          const ann = yield* publisher({ dht, key, config: jittered })
          const record = yield* ann.newRecord(minute, hello)
          const put = yield* Effect.forkChild(Effect.exit(ann.publish(record, { known: [] })))
          let seconds = 0
          for (; seconds <= 15 && put.pollUnsafe() === undefined; seconds++) yield* TestClock.adjust("1 second")
          assert.isDefined(put.pollUnsafe())
          waits.push(seconds)
        }
        for (const wait of waits) assert.isTrue(wait >= 5 && wait <= 15, `${wait} s`)
        assert.isAbove(new Set(waits).size, 1)
      }).pipe(Random.withSeed("jitter")),
    )

    it.effect("that takes too long fails with Timeout", () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const silent: Layer.Layer<Dht, never, Crypto> = Layer.effect(
          Dht,
          Effect.map(Effect.provide(Dht, dht), (inner) => ({ ...inner, put: () => Effect.never })),
        )
        const ann = yield* publisher({ dht: silent, key: 1, config: { dht: { retries: 0, putTimeout: "3 seconds" } } })
        const put = yield* Effect.forkChild(Effect.flip(publishNew(ann, hello)))
        yield* TestClock.adjust("3 seconds")
        const error = yield* Fiber.join(put)
        assert.strictEqual(error.message, "the put took longer than dht.putTimeout")
      }),
    )

    it.effect("that every node refuses is not tried again", () =>
      Effect.gen(function* () {
        const { dht } = yield* network({ keepFirst: 1 })
        yield* publishNew(yield* publisher({ dht, key: 1 }), hello)
        const bob = yield* publisher({ dht, key: 2, config })
        const error = yield* Effect.flip(publishNew(bob, hello))
        assert.deepStrictEqual([error._tag, error._tag === "DhtError" && error.reason], ["DhtError", "Rejected"])
      }),
    )
  })

  it.effect("a slot that cannot be read is an error, and nothing is put", () =>
    Effect.gen(function* () {
      const { dht, load, setFaults } = yield* network()
      const ann = yield* publisher({ dht, key: 1 })
      yield* setFaults({ dead: 1 })
      const error = yield* Effect.flip(publishNew(ann, hello))
      assert.instanceOf(error, DhtError)
      assert.strictEqual(
        (yield* load).reduce((sum, { puts }) => sum + puts, 0),
        0,
      )
    }),
  )
})
