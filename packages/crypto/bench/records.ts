/**
 * How many records a second one core signs, seals, opens and verifies, and how many minutes' keys it derives, on both layers
 * of Crypto. Run: `node --conditions=@topic-tracker/source packages/crypto/bench/records.ts [SECONDS]`.
 */
import {
  Crypto,
  EncryptedRecord,
  GossipRecordContent,
  Record,
  RecordKeys,
  SecretRotation,
  TopicId,
} from "@topic-tracker/crypto"
import { Effect, Layer, Redacted } from "effect"

const seconds = Number(process.argv[2] ?? 1)
if (!(seconds > 0)) {
  console.error(`SECONDS: ${process.argv[2]}; must be a positive number`)
  process.exit(2)
}

/** Operations per second: the best of three rounds after a short warm-up, since other programs only ever slow one down. */
const rate = Effect.fnUntraced(function* <A, E>(operation: Effect.Effect<A, E, Crypto | RecordKeys>) {
  const round = Effect.fnUntraced(function* (duration: number) {
    const start = performance.now()
    let count = 0
    let elapsed = 0
    do {
      yield* operation
      count++
      elapsed = performance.now() - start
    } while (elapsed < duration)
    return (count / elapsed) * 1000
  })
  yield* round(seconds * 200)
  const rates = [yield* round(seconds * 333), yield* round(seconds * 333), yield* round(seconds * 333)]
  return Math.max(...rates)
})

const measure = Effect.gen(function* () {
  const crypto = yield* Crypto
  const keys = yield* RecordKeys
  const topic = TopicId.fromName("bench")
  const node = crypto.signingKey(Redacted.make(new Uint8Array(32).fill(1)))
  const initialSecretHash = Redacted.make(new Uint8Array(32).fill(2))
  const encryptionKey = yield* keys.encryption({ topic, unixMinute: 1n, initialSecretHash })
  const content = { activePeers: [], lastMessageHashes: [] }
  const sign = Record.sign({ topic, unixMinute: 1n, schema: GossipRecordContent, content, signingKey: node })
  const record = yield* sign
  const sealed = yield* EncryptedRecord.seal(record, encryptionKey)
  let minute = 2n
  const derive = Effect.suspend(() => {
    minute++
    void keys.dht(topic, minute).target
    return Effect.map(keys.encryption({ topic, unixMinute: minute, initialSecretHash }), (key) => key.publicKey)
  })
  return {
    sign: yield* rate(sign),
    seal: yield* rate(EncryptedRecord.seal(record, encryptionKey)),
    "open+verify": yield* rate(EncryptedRecord.openVerified(sealed, { encryptionKey, topic, unixMinute: 1n })),
    derive: yield* rate(derive),
  }
})

const keysLayer = RecordKeys.layer.pipe(Layer.provide(SecretRotation.layer))

for (const [name, layer] of [
  ["native", Crypto.layerNative],
  ["portable", Crypto.layerPortable],
] as const) {
  const rates = await Effect.runPromise(measure.pipe(Effect.provide(keysLayer), Effect.provide(layer)))
  const figures = Object.entries(rates).map(([what, perSecond]) => `${what} ${Math.round(perSecond)}/s`)
  console.log(`${name}: ${figures.join(", ")}`)
}
