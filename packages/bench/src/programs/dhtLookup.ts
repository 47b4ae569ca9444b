/**
 * Arguments: PORT of the first node of a testnet. Measures a client without known nodes, in ms: the first item of a get (`first`; from
 * the start of the process `firstFromProcessStart`), the whole lookup, a put, and the same get again (`again`), which starts from the
 * closest nodes of the first one. All runs of the program share one key: the first run stores the item and its figures are to be dropped.
 */
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Effect, Redacted, Stream } from "effect"
import { main, numberAt, print } from "./print.ts"

/** The sequence number and the size of a gossip record. */
const RECORD_SEQ = 2n ** 63n - 1n
const RECORD_BYTES = 604

const measure = Effect.gen(function* () {
  const crypto = yield* Crypto
  const key = crypto.signingKey(Redacted.make(new Uint8Array(32).fill(7)))
  const start = performance.now()
  return yield* Effect.gen(function* () {
    const dht = yield* Dht
    let first: number | undefined
    const get = Stream.runForEach(dht.get({ publicKey: key.publicKey }), () =>
      Effect.sync(() => {
        first ??= performance.now()
      }),
    )
    yield* get
    const lookup = performance.now() - start
    const putStart = performance.now()
    yield* dht.put({ key, seq: RECORD_SEQ, cas: RECORD_SEQ, value: new Uint8Array(RECORD_BYTES) })
    const put = performance.now() - putStart
    const againStart = performance.now()
    yield* get
    const again = performance.now() - againStart
    return { first: (first ?? againStart) - start, firstFromProcessStart: first ?? againStart, lookup, put, again }
  }).pipe(Effect.provide(Dht.layer({ bootstrap: [{ host: "127.0.0.1", port: numberAt(0) }] })))
})

await main(measure.pipe(Effect.provide(Crypto.layer()), Effect.map(print)))
