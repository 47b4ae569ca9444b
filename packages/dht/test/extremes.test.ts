import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht"
import { Duration, Effect, Stream } from "effect"
import { Walk } from "../src/walk/Walk.ts"
import { client, newKey } from "./clients.ts"

describe("options at their ends", () => {
  it("a walk ends when its queries are used up, though bootstrap nodes are left to ask", () => {
    const walk = new Walk(new Uint8Array(20), { k: 20, maxQueries: 1 })
    walk.seed({ host: "192.0.2.1", port: 1 })
    walk.seed({ host: "192.0.2.2", port: 1 })
    const asked = walk.next()!
    assert.isFalse(walk.finished)
    walk.answered(asked, new Uint8Array(20).fill(1), undefined, [])
    assert.isUndefined(walk.next())
    assert.isTrue(walk.finished)
  })

  it.live("a get may take as long as it wants", () =>
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
