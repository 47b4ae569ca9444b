/**
 * How many gets a client does in a second, and the CPU time of one:
 *
 *     node --conditions=@topic-tracker/source packages/dht/benchmark/gets.ts [--gets 2000] [--rounds 5]
 *
 * A client and a testnet of 20 nodes share one process, so that the CPU time is that of both sides. Each get is of another key that
 * nobody holds, as most gets of idle topics are: first one after the other, then 32 at a time.
 */
import { parseArgs } from "node:util"
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Layer, Stream } from "effect"

const { values } = parseArgs({
  options: { gets: { type: "string", default: "2000" }, rounds: { type: "string", default: "5" } },
})

/** Gets per second and CPU time of one in ms. */
const measure = Effect.fnUntraced(function* (dht: Dht["Service"], gets: number, concurrency: number) {
  const crypto = yield* Crypto
  const keys = yield* Effect.forEach(Array.from({ length: gets }), () => crypto.randomBytes(32))
  const began = performance.now()
  const cpu = process.cpuUsage()
  yield* Effect.forEach(keys, (publicKey) => Stream.runDrain(dht.get({ publicKey })), { concurrency, discard: true })
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (1000 * gets) / (performance.now() - began), cpu: (user + system) / 1000 / gets }
})

const benchmark = Effect.gen(function* () {
  const net = yield* DhtTestnet.make({ nodes: 20 })
  const context = yield* Layer.build(Dht.layer({ bootstrap: [net.addresses[0]!], readOnly: true }))
  const dht = yield* Effect.provide(Dht, context)
  yield* dht.bootstrapped
  yield* measure(dht, 500, 8)
  for (const concurrency of [1, 32]) {
    const rounds = []
    for (let i = 0; i < Number(values.rounds); i++) rounds.push(yield* measure(dht, Number(values.gets), concurrency))
    const best = rounds.reduce((a, b) => (a.cpu < b.cpu ? a : b))
    console.log(
      `${concurrency} at a time: ${best.perSecond.toFixed(0)} gets a second, ${best.cpu.toFixed(3)} ms CPU each`,
    )
  }
})

await Effect.runPromise(benchmark.pipe(Effect.scoped, Effect.provide(Crypto.layer())))
