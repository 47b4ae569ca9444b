/**
 * Arguments: GETS ROUNDS. Measures gets a second and the processor time (ms) of one get. The client and a testnet of 20 nodes share the
 * process, so the processor time is that of both sides. Each get is of another key without an item, as most gets of idle topics are.
 * Prints the samples for one get at a time (`1`) and for 32 at a time (`32`).
 */
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Layer, Stream } from "effect"
import { main, numberAt, print } from "./print.ts"

const WARM_UP_GETS = 500
const WARM_UP_CONCURRENCY = 8

const [gets, rounds] = [numberAt(0), numberAt(1)]

const sample = Effect.fnUntraced(function* (dht: Dht["Service"], count: number, concurrency: number) {
  const crypto = yield* Crypto
  const keys = yield* Effect.forEach(Array.from({ length: count }), () => crypto.randomBytes(32))
  const start = performance.now()
  const cpu = process.cpuUsage()
  yield* Effect.forEach(keys, (publicKey) => Stream.runDrain(dht.get({ publicKey })), { concurrency, discard: true })
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (1000 * count) / (performance.now() - start), cpuMs: (user + system) / 1000 / count }
})

const measure = Effect.gen(function* () {
  const testnet = yield* DhtTestnet.make({ nodes: 20 })
  const services = yield* Layer.build(Dht.layer({ bootstrap: [testnet.addresses[0]!], readOnly: true }))
  const dht = yield* Effect.provide(Dht, services)
  yield* dht.bootstrapped
  yield* sample(dht, WARM_UP_GETS, WARM_UP_CONCURRENCY)
  const samplesOf = (concurrency: number) =>
    Effect.forEach(Array.from({ length: rounds }), () => sample(dht, gets, concurrency))
  return { 1: yield* samplesOf(1), 32: yield* samplesOf(32) }
})

await main(measure.pipe(Effect.scoped, Effect.provide(Crypto.layer()), Effect.map(print)))
