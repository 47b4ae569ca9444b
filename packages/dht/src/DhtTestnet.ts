/**
 * A DHT of real nodes on loopback: for demos, tests and benchmarks that must not touch the public network. The nodes know
 * each other from the start, so it is ready as soon as the sockets are bound.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { Effect, Exit, Scope } from "effect"
import type { Dht, DhtAddress } from "./Dht.ts"
import type { DhtOptions } from "./DhtConfig.ts"
import { DhtError } from "./DhtError.ts"
import { makeUdpNode, type UdpNode } from "./UdpDht.ts"

/** How many nodes a testnet has, and how they behave. */
export interface DhtTestnetOptions {
  /** How many nodes, 1 to 1,000; 20 unless set. */
  readonly nodes?: number
  /** The first node's UDP port; the others get any. 0, any, unless set. */
  readonly port?: number
  /** What the nodes do with a put of the seq they hold; "overwrite" unless set. */
  readonly equalSeq?: DhtOptions["equalSeq"]
}

/** A running testnet. */
export interface DhtTestnet {
  /** Where each node is; the first is the one to bootstrap from. */
  readonly addresses: ReadonlyArray<DhtAddress>
  /** The nodes' own services. */
  readonly services: ReadonlyArray<Dht["Service"]>
  /** Ends a node without a word: the others go on naming it until they notice. Nothing for a node that has ended. */
  readonly stop: (index: number) => Effect.Effect<void>
}

/** The testnet, which ends with the scope. Fails with `Bind` when the port is in use. */
export const make = Effect.fnUntraced(function* (
  options: DhtTestnetOptions = {},
): Effect.fn.Return<DhtTestnet, DhtError, Scope.Scope | Crypto> {
  const { nodes: count = 20, port = 0, equalSeq = "overwrite" } = options
  if (!Number.isInteger(count) || count < 1 || count > 1000) {
    return yield* new DhtError({ reason: "InvalidArgument", message: `nodes: ${count}; a testnet has 1 to 1,000` })
  }
  const scope = yield* Effect.scope
  const start = Effect.fnUntraced(function* (index: number) {
    const own = yield* Scope.fork(scope)
    const node = yield* makeUdpNode({
      bootstrap: [],
      host: "127.0.0.1",
      port: index === 0 ? port : 0,
      equalSeq,
      // All queries come from the one host, and a benchmark asks many.
      queriesTotal: 100_000,
    }).pipe(Scope.provide(own))
    return { node, stop: Scope.close(own, Exit.void) }
  })
  const started = yield* Effect.forEach(Array.from({ length: count }).keys(), start)
  introduceAll(started.map(({ node }) => node))
  return {
    addresses: started.map(({ node }) => ({ host: node.node.host, port: node.node.port })),
    services: started.map(({ node }) => node.service),
    stop: (index) => started[index]?.stop ?? Effect.void,
  }
})

/** Every node into every table; each table keeps what Kademlia would. */
const introduceAll = (nodes: ReadonlyArray<UdpNode>): void => {
  for (const one of nodes) {
    for (const other of nodes) if (other !== one) one.add(other.node)
  }
}
