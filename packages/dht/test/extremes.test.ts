import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Duration, Effect, Stream } from "effect"
import { LookupState } from "../src/lookup/LookupState.ts"
import { client, newKey } from "./clients.ts"

describe("options at their limits", () => {
  it("a lookup ends when its queries are used up although bootstrap nodes are left to ask", () => {
    const state = new LookupState(new Uint8Array(20), { k: 20, maxQueries: 1 })
    state.addSeed({ host: "192.0.2.1", port: 1 })
    state.addSeed({ host: "192.0.2.2", port: 1 })
    const asked = state.next()!
    assert.isFalse(state.finished)
    state.answered(asked, new Uint8Array(20).fill(1), undefined, [])
    assert.isUndefined(state.next())
    assert.isTrue(state.finished)
  })

  it.live("a get without a time limit works, and one with a limit of 30 days", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 3 })
      const { at } = yield* newKey
      for (const getTimeout of [Duration.infinity, Duration.days(30)]) {
        const dht = yield* client({ bootstrap: net.addresses, getTimeout })
        yield* Stream.runDrain(dht.get(at))
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
