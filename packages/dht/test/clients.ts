/** What tests of clients share, over UDP and in memory. */
import { Crypto } from "@topic-tracker/crypto"
import { Dht, type DhtConfig, type DhtError, type MutableItem, type MutableKey } from "@topic-tracker/dht"
import { Duration, Effect, Layer, Redacted, Stream } from "effect"

export const MAX = 2n ** 63n - 1n
export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
export const ascii = (value: string) => new TextEncoder().encode(value)

/** A client that is patient with nodes that share its event loop: on a busy machine they are slow to answer. */
export const client = Effect.fnUntraced(function* (options: Partial<DhtConfig.DhtOptions>) {
  const context = yield* Layer.build(Dht.layer({ retries: 0, roundTripFloor: Duration.seconds(1), ...options }))
  return yield* Effect.provide(Dht, context)
})

export const newKey = Effect.gen(function* () {
  const crypto = yield* Crypto
  const key = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  const salt = yield* crypto.randomBytes(32)
  return { key, salt, at: { publicKey: key.publicKey, salt } satisfies MutableKey }
})

export const values = (items: Stream.Stream<MutableItem, DhtError>) =>
  Effect.map(Stream.runCollect(items), (all) => [...all].map(({ value }) => text(value)).sort())
