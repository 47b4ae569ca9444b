/**
 * Arguments: SECONDS. Measures operations on records on one core, SECONDS for each, with both layers of Crypto, and an X25519
 * agreement of node:crypto: sealing and opening need two agreements each. Prints operations a second by name.
 */
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto"
import {
  Crypto,
  EncryptedRecord,
  EndpointId,
  GossipRecordContent,
  Record,
  RecordKeys,
  SecretRotation,
  TopicId,
} from "@topic-tracker/crypto"
import { Effect, type Layer, Redacted } from "effect"
import { Bench } from "tinybench"
import { main, numberAt, print } from "./print.ts"

const seconds = numberAt(0)

/** Samples of operations a second, by task. */
const ratesOf = async (tasks: Record<string, () => unknown>) => {
  const rates: Record<string, Array<number>> = {}
  for (let sample = 0; sample < 3; sample++) {
    const bench = new Bench({ time: seconds * 1000, warmupTime: sample === 0 ? 500 : 0, warmupIterations: 8 })
    for (const [name, task] of Object.entries(tasks)) bench.add(name, task)
    await bench.run()
    for (const { name, result } of bench.tasks) {
      if (result.state === "errored") throw result.error
      if (result.state !== "completed") throw new Error(`${name}: ${result.state}`)
      rates[name] = [...(rates[name] ?? []), result.throughput.mean]
    }
  }
  return rates
}

const measure = Effect.fnUntraced(function* (isSync: boolean) {
  const crypto = yield* Crypto
  const keys = RecordKeys.make(crypto, yield* SecretRotation)
  const context = yield* Effect.context<Crypto>()
  const [runSync, runPromise] = [Effect.runSyncWith(context), Effect.runPromiseWith(context)]
  const task = (operation: Effect.Effect<unknown, unknown, Crypto>) =>
    isSync ? () => void runSync(operation) : () => runPromise(operation)
  const topic = TopicId.fromName("bench")
  const signingKey = crypto.signingKey(Redacted.make(new Uint8Array(32).fill(1)))
  const initialSecretHash = Redacted.make(new Uint8Array(32).fill(2))
  const encryptionKey = yield* keys.encryption({ topic, unixMinute: 1n, initialSecretHash })
  // As full as the record of a node in a large swarm.
  const content = {
    activePeers: Array.from({ length: 5 }, () => EndpointId.fromBytes(random32())),
    lastMessageHashes: Array.from({ length: 5 }, random32),
  }
  const sign = Record.sign({ topic, unixMinute: 1n, schema: GossipRecordContent, content, signingKey })
  const record = yield* sign
  const sealed = yield* EncryptedRecord.seal(record, encryptionKey)
  let minute = 2n
  const derive = Effect.suspend(() => {
    minute++
    void keys.dht(topic, minute).signingKey.publicKey
    return Effect.map(keys.encryption({ topic, unixMinute: minute, initialSecretHash }), (key) => key.publicKey)
  })
  const seal = EncryptedRecord.seal(record, encryptionKey)
  const open = EncryptedRecord.openVerified(sealed, { encryptionKey, topic, unixMinute: 1n })
  return yield* Effect.promise(() =>
    ratesOf({
      sign: task(sign),
      seal: task(seal),
      "open+verify": task(open),
      derive: task(derive),
    }),
  )
})

const random32 = (): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(32))

/** An X25519 agreement with both keys read from bytes, as each half of a record needs it. */
const agreement = () => {
  const pair = generateKeyPairSync("x25519", {
    privateKeyEncoding: { format: "der", type: "pkcs8" },
    publicKeyEncoding: { format: "der", type: "spki" },
  })
  return () => {
    diffieHellman({
      privateKey: createPrivateKey({ key: pair.privateKey, format: "der", type: "pkcs8" }),
      publicKey: createPublicKey({ key: pair.publicKey, format: "der", type: "spki" }),
    })
  }
}

await main(
  Effect.gen(function* () {
    const on = (layer: Layer.Layer<Crypto>, isSync: boolean) =>
      measure(isSync).pipe(Effect.provide(SecretRotation.layer()), Effect.provide(layer))
    print({
      native: yield* on(Crypto.layerNative(), true),
      portable: yield* on(Crypto.layerPortable(), false),
      x25519: yield* Effect.promise(() => ratesOf({ agreement: agreement() })),
    })
  }),
)
