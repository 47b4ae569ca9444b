/**
 * A DHT of real nodes on loopback: for demos, tests and benchmarks that must not touch the public network. The nodes know each
 * other from the start, so the testnet is ready when the sockets are bound.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { Effect, Exit, Scope } from "effect"
import type { DhtOptions } from "../DhtConfig.ts"
import { DhtError } from "../DhtError.ts"
import { makeUdpNode, type UdpNode } from "../makeUdpNode.ts"
import type { DhtAddress, DhtService } from "../model.ts"

/**
 * The size of a testnet and the behaviour of its nodes.
 * @since 0.1.0
 * @category options
 */
export interface DhtTestnetOptions {
  /** Number of nodes, 1 to 1,000. Default: 20. */
  readonly nodes?: number
  /** The UDP port of the first node; the others get any free port. Default: 0, any free port. */
  readonly port?: number
  /** The treatment of a put of the seq that a node holds. Default: "overwrite". */
  readonly equalSeq?: DhtOptions["equalSeq"]
}

/**
 * A running testnet.
 * @since 0.1.0
 * @category models
 */
export interface DhtTestnet {
  /** The address of each node; the first is the one to bootstrap from. */
  readonly addresses: ReadonlyArray<DhtAddress>
  /** The services of the nodes themselves. */
  readonly services: ReadonlyArray<DhtService>
  /** Stops a node silently: the others go on naming it until they notice. Does nothing if it has stopped. */
  readonly stop: (index: number) => Effect.Effect<void>
}

/**
 * Starts a testnet, which ends with the scope. Fails with `Bind` if the port is in use.
 * @since 0.1.0
 * @category testing
 */
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
      // All queries come from one host, and a benchmark sends many.
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

/** Adds every node to every table; each table keeps what Kademlia would keep. */
const introduceAll = (nodes: ReadonlyArray<UdpNode>): void => {
  for (const one of nodes) {
    for (const other of nodes) if (other !== one) one.addNode(other.node)
  }
}
