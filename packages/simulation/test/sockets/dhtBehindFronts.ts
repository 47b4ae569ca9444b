/** Real DHT nodes on loopback that know each other by their fronts only. This needs no network namespace. */
import { Crypto } from "@topic-tracker/crypto"
import { Dht, type DhtAddress } from "@topic-tracker/dht"
import { Context, Duration, Effect, Layer } from "effect"
import { type PacketPolicy, Relay } from "../../src/sockets/Relay.ts"

const host = "127.0.0.1"

/** Packets are lost, so one attempt is not enough. */
const retries = { retries: 10, baseRetryInterval: Duration.millis(100), maxRetryJitter: Duration.zero }

/** All nodes share one event loop: on a busy machine all of them can be slow to answer. */
const patience = { roundTripFloor: Duration.millis(500) }

/** These nodes are the whole DHT: there are no other nodes to know. */
const introduced = { introduceAfter: Duration.zero }

/** `count` nodes behind the policy, with owners 0 and up, each with the first one's front as bootstrap node. All know each other. */
export const dhtBehindFronts = Effect.fnUntraced(function* (count: number, policy: PacketPolicy<number>) {
  const relay = yield* Relay.make(policy)
  const nodes: Array<Dht["Service"]> = []
  const bootstrap: Array<DhtAddress> = []
  for (let index = 0; index < count; index++) {
    const layer = Dht.layer({ bootstrap, host, ...retries, ...patience, ...introduced }).pipe(
      Layer.provideMerge(Crypto.layer()),
    )
    const node = Context.get(yield* Layer.build(Layer.fresh(layer)), Dht)
    const front = yield* relay.attachFront(index, yield* node.address, { host, port: 0 })
    if (index === 0) bootstrap.push(front)
    nodes.push(node)
    // One after the other: the lookup of its own id finds the nodes before it, and they learn of it.
    if (index > 0) yield* node.bootstrapped
  }
  for (const { stats } of nodes) while ((yield* stats).nodes < count - 1) yield* Effect.sleep(5)
  return { nodes, relay }
})
