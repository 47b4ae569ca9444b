/**
 * Embedded DHT testnets on loopback that run until the process is ended: COUNT DEAD_PERCENT [NODES]. The dead are in all
 * tables when they stop. Prints the first ports as a JSON array, once the nodes have filled their tables. Each measurement has
 * a testnet of its own, for nodes keep the nodes of earlier ones in their tables.
 */
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { main, numberAt, print } from "./print.ts"

const [count, deadPercent, nodes = 20] = [numberAt(0), numberAt(1), numberAt(2) || 20]

/** Each node walks to its own id a second after its start; a hundred of them are busy with nothing else meanwhile. */
const settled = "4 seconds"

const testnet = Effect.gen(function* () {
  const { addresses, stop } = yield* DhtTestnet.make({ nodes })
  // Spread evenly over the nodes, never the first: somebody must be there to start from.
  const dead = Math.round((nodes * deadPercent) / 100)
  for (let i = 0; i < dead; i++) yield* stop(nodes - 1 - Math.floor((i * (nodes - 1)) / dead))
  return addresses[0]!.port
})

await main(
  Effect.gen(function* () {
    const ports = yield* Effect.forEach(Array.from({ length: count }), () => testnet)
    yield* Effect.sleep(settled)
    print(ports)
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(Crypto.layer())),
)
