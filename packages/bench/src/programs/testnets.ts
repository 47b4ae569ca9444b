/**
 * Arguments: COUNT DEAD_PERCENT [NODES]. Runs embedded DHT testnets on loopback until it is killed. Dead nodes stop after they are in
 * the tables of the others. Prints the first port of each testnet as a JSON array, when the tables are filled. Each measurement needs
 * a testnet of its own, since nodes keep the clients of earlier measurements in their tables.
 */
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { main, numberAt, print } from "./print.ts"

const [count, deadPercent, nodes = 20] = [numberAt(0), numberAt(1), numberAt(2) || 20]

/** Each node looks its own id up one second after its start; with a hundred nodes that takes some seconds. */
const SETTLED = "4 seconds"

const testnet = Effect.gen(function* () {
  const { addresses, stop } = yield* DhtTestnet.make({ nodes })
  // Spread evenly over the nodes, but never the first node: clients start from it.
  const dead = Math.round((nodes * deadPercent) / 100)
  for (let i = 0; i < dead; i++) yield* stop(nodes - 1 - Math.floor((i * (nodes - 1)) / dead))
  return addresses[0]!.port
})

await main(
  Effect.gen(function* () {
    const ports = yield* Effect.forEach(Array.from({ length: count }), () => testnet)
    yield* Effect.sleep(SETTLED)
    print(ports)
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(Crypto.layer())),
)
