import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Context, Effect, Layer, Redacted, Stream } from "effect"
import { dhtBehindFronts } from "./dhtBehindFronts.ts"

const makeKey = Effect.gen(function* () {
  const crypto = Context.get(yield* Layer.build(Crypto.layer()), Crypto)
  return crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
})

describe("DHT behind fronts, on plain loopback", () => {
  it.live("a put and a get succeed with delays and with the loss of some packets", () =>
    Effect.gen(function* () {
      let packets = 0
      let losing = false
      // After the nodes know each other, every seventh packet is lost, in both directions and of all nodes.
      const { nodes, relay } = yield* dhtBehindFronts(8, () => (losing && packets++ % 7 === 6 ? [] : [5]))
      losing = true
      const key = yield* makeKey
      const receipt = yield* nodes[1]!.put({ key, seq: 1n, value: new Uint8Array([1, 2, 3]) })
      // If only one node held the item, a get whose single query to it is lost would not find it.
      assert.isAtLeast(receipt.stored, 3)
      const items = yield* Stream.runCollect(nodes[2]!.get({ publicKey: key.publicKey }))
      assert.deepStrictEqual(
        items.map(({ value }) => [...value]),
        [[1, 2, 3]],
      )
      const { lost, received, sent, strangers } = relay.counters
      assert.strictEqual(lost, Math.floor(packets / 7))
      assert.isAbove(lost, 0)
      assert.isAtMost(sent, received - lost)
      assert.strictEqual(strangers, 0)
    }),
  )

  it.live("a partition isolates: a node that is cut off finds nothing until it ends", () =>
    Effect.gen(function* () {
      let isPartitioned = false
      const { nodes, relay } = yield* dhtBehindFronts(6, (from, to) =>
        isPartitioned && (from === 5) !== (to === 5) ? [] : [0],
      )
      const key = yield* makeKey
      const put = nodes[5]!.put({ key, seq: 1n, value: new Uint8Array([8]) })
      isPartitioned = true
      assert.strictEqual((yield* Effect.timeoutOption(put, "1 second"))._tag, "None")
      assert.isAbove(relay.counters.lost, 0)
      // The other nodes do not know the item.
      const found = yield* Stream.runCollect(nodes[1]!.get({ publicKey: key.publicKey }))
      assert.deepStrictEqual(found, [])
      isPartitioned = false
      assert.isAtLeast((yield* put).stored, 1)
      const items = yield* Stream.runCollect(nodes[1]!.get({ publicKey: key.publicKey }))
      assert.deepStrictEqual(
        items.map(({ value }) => [...value]),
        [[8]],
      )
    }),
  )
})
