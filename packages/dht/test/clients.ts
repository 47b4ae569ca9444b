/** Helpers for tests of clients, over UDP and in memory. */
import { createSocket, type Socket } from "node:dgram"
import { Crypto } from "@topic-tracker/crypto"
import { Dht, type DhtConfig, type DhtError, type MutableItem, type MutableKey } from "@topic-tracker/dht"
import { Duration, Effect, Layer, Redacted, Stream } from "effect"

export const MAX = 2n ** 63n - 1n
export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
export const ascii = (value: string) => new TextEncoder().encode(value)

/** A client with long time-outs: nodes that share its event loop answer slowly on a busy machine. */
export const client = Effect.fnUntraced(function* (options: Partial<DhtConfig.DhtOptions>) {
  const context = yield* Layer.build(Dht.layer({ retries: 0, roundTripFloor: Duration.seconds(1), ...options }))
  return yield* Effect.provide(Dht, context)
})

/** A node that never answers; `onDatagram` gets each datagram. */
export const silentNode = (id: Uint8Array, onDatagram?: (datagram: Uint8Array) => void) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4", onDatagram)
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  ).pipe(Effect.map((socket) => ({ id, host: "127.0.0.1", port: socket.address().port })))

export const newUnsaltedKey = Effect.gen(function* () {
  const crypto = yield* Crypto
  const key = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  return { key, at: { publicKey: key.publicKey } satisfies MutableKey }
})

export const newKey = Effect.gen(function* () {
  const { key, at } = yield* newUnsaltedKey
  const salt = yield* (yield* Crypto).randomBytes(32)
  return { key, salt, at: { ...at, salt } satisfies MutableKey }
})

export const values = (items: Stream.Stream<MutableItem, DhtError>) =>
  Effect.map(Stream.runCollect(items), (all) => [...all].map(({ value }) => text(value)).sort())
