import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { resolveBootstrap } from "../src/routing/bootstrap.ts"

/** A resolver under the control of the test. */
const makeResolver = (addresses: Record<string, ReadonlyArray<string>> = {}) => {
  const resolver = { addresses, asked: 0, interrupted: 0, isSilent: false }
  const resolve = (host: string) =>
    Effect.suspend(() => {
      resolver.asked++
      if (resolver.isSilent)
        return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void resolver.interrupted++))
      const found = resolver.addresses[host]
      return found === undefined ? Effect.fail("EAI_AGAIN") : Effect.succeed(found)
    })
  return { resolver, resolve }
}

const router = { host: "router.example", port: 6881 }
const unknown = { host: "unknown.example", port: 1 }

describe("resolveBootstrap", () => {
  it.effect("resolves the names later if the node was started before its network", () =>
    Effect.gen(function* () {
      const { resolver, resolve } = makeResolver()
      const { addresses, known } = yield* resolveBootstrap([router], resolve)
      yield* known
      assert.deepStrictEqual(addresses(), [])
      for (let i = 0; i < 3; i++) yield* TestClock.adjust("10 minutes")
      resolver.addresses = { "router.example": ["192.0.2.7"] }
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(addresses(), [{ host: "192.0.2.7", port: 6881 }])
      const { asked } = resolver
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(resolver.asked, asked)
    }),
  )

  it.effect("retries soon at first, and existing names do not wait for others", () =>
    Effect.gen(function* () {
      const { resolver, resolve } = makeResolver()
      const { addresses, known } = yield* resolveBootstrap([unknown, router], resolve)
      yield* known
      assert.strictEqual(resolver.asked, 2)
      resolver.addresses = { "router.example": ["192.0.2.7"] }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(addresses(), [{ host: "192.0.2.7", port: 6881 }])
    }),
  )

  it.effect("stops with the scope", () =>
    Effect.gen(function* () {
      const { resolver, resolve } = makeResolver()
      yield* Effect.scoped(Effect.flatMap(resolveBootstrap([router], resolve), ({ known }) => known))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(resolver.asked, 1)
    }),
  )

  it.effect("uses all addresses of a name, the first of each name before the second ones", () =>
    Effect.gen(function* () {
      const { resolve } = makeResolver({
        "router.example": ["192.0.2.1", "192.0.2.2"],
        "unknown.example": ["198.51.100.1", "198.51.100.2"],
      })
      const { addresses, known } = yield* resolveBootstrap([router, { host: "127.0.0.1", port: 2 }, unknown], resolve)
      yield* known
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(addresses(), [
        { host: "192.0.2.1", port: 6881 },
        { host: "127.0.0.1", port: 2 },
        { host: "198.51.100.1", port: 1 },
        { host: "192.0.2.2", port: 6881 },
        { host: "198.51.100.2", port: 1 },
      ])
    }),
  )

  it.effect("resolves a name again when no node answers, at most once in 30 seconds", () =>
    Effect.gen(function* () {
      const { resolver, resolve } = makeResolver({ "router.example": ["192.0.2.1"] })
      const { addresses, known, resolveAgain } = yield* resolveBootstrap([router], resolve)
      yield* known
      resolver.addresses = { "router.example": ["192.0.2.9"] }
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(resolver.asked, 1)
      for (let i = 0; i < 10; i++) resolveAgain()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(resolver.asked, 2)
      assert.deepStrictEqual(addresses(), [{ host: "192.0.2.9", port: 6881 }])
      for (let second = 0; second < 28; second++) {
        resolveAgain()
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(resolver.asked, 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(resolver.asked, 3)
    }),
  )

  it.effect("keeps the addresses of a name that is not resolved again", () =>
    Effect.gen(function* () {
      const { resolver, resolve } = makeResolver({ "router.example": ["192.0.2.1"] })
      const { addresses, known, resolveAgain } = yield* resolveBootstrap([router], resolve)
      yield* known
      resolver.addresses = {}
      yield* TestClock.adjust("1 minute")
      resolveAgain()
      yield* TestClock.adjust("1 minute")
      assert.isAbove(resolver.asked, 1)
      assert.deepStrictEqual(addresses(), [{ host: "192.0.2.1", port: 6881 }])
    }),
  )

  it.effect("does not wait for a silent resolver longer than ten seconds, and interrupts it with the scope", () =>
    Effect.gen(function* () {
      const { resolver, resolve } = makeResolver()
      resolver.isSilent = true
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { addresses, known } = yield* resolveBootstrap([router], resolve)
          const waiting = yield* Effect.forkChild(known)
          yield* TestClock.adjust("9 seconds")
          assert.isUndefined(waiting.pollUnsafe())
          yield* TestClock.adjust("1 second")
          assert.isDefined(waiting.pollUnsafe())
          assert.deepStrictEqual(addresses(), [])
          yield* TestClock.adjust("1 second")
          assert.strictEqual(resolver.asked, 2)
        }),
      )
      assert.strictEqual(resolver.interrupted, 2)
    }),
  )
})
