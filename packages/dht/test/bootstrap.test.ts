import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { beforeEach, vi } from "vitest"
import { resolveBootstrap } from "../src/routing/bootstrap.ts"

const resolver = vi.hoisted(() => ({ isUp: false, asked: 0 }))
vi.mock("node:dns/promises", () => ({
  lookup: async (name: string) => {
    resolver.asked++
    if (resolver.isUp && name !== "nowhere.invalid") return { address: "192.0.2.7", family: 4 }
    throw new Error("EAI_AGAIN")
  },
}))

/** Lets the promises of the resolver settle, and the fibers that wait for them run. */
const settle = Effect.promise(() => new Promise((done) => setTimeout(done, 5)))
const pass = (duration: "1 second" | "10 minutes") => Effect.andThen(TestClock.adjust(duration), settle)

describe("resolveBootstrap", () => {
  beforeEach(() => {
    Object.assign(resolver, { isUp: false, asked: 0 })
  })

  it.effect("resolves the names later if the node was started before its network", () =>
    Effect.gen(function* () {
      const { addresses, known } = yield* resolveBootstrap([{ host: "router.example", port: 6881 }])
      yield* known
      assert.deepStrictEqual(addresses, [])
      for (let i = 0; i < 3; i++) yield* pass("10 minutes")
      resolver.isUp = true
      yield* pass("10 minutes")
      assert.deepStrictEqual(addresses, [{ host: "192.0.2.7", port: 6881 }])
      const { asked } = resolver
      yield* pass("10 minutes")
      assert.strictEqual(resolver.asked, asked)
    }),
  )

  it.effect("retries soon at first, and existing names do not wait for others", () =>
    Effect.gen(function* () {
      const names = ["nowhere.invalid", "router.example"].map((host) => ({ host, port: 1 }))
      const { addresses, known } = yield* resolveBootstrap(names)
      yield* known
      assert.strictEqual(resolver.asked, 2)
      resolver.isUp = true
      yield* pass("1 second")
      assert.deepStrictEqual(addresses, [{ host: "192.0.2.7", port: 1 }])
    }),
  )

  it.effect("stops with the scope", () =>
    Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.flatMap(resolveBootstrap([{ host: "router.example", port: 1 }]), ({ known }) => known),
      )
      yield* pass("10 minutes")
      assert.strictEqual(resolver.asked, 1)
    }),
  )
})
