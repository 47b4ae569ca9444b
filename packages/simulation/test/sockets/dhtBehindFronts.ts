/** Real DHT nodes on plain loopback that know each other by their fronts only: what can be done without namespaces. */
import { Crypto } from "@topic-tracker/crypto"
import { Dht, type DhtAddress } from "@topic-tracker/dht"
import { Context, Duration, Effect, Layer } from "effect"
import { type PacketPolicy, Relay } from "../../src/sockets/Relay.ts"

const host = "127.0.0.1"

/** Where some packets are lost, once is not enough. */
const retries = { retries: 10, baseRetryInterval: Duration.millis(100), maxRetryJitter: Duration.zero }

/** Patient with nodes that share its event loop: on a busy machine all of them are slow to answer at times. */
const patience = { roundTripFloor: Duration.millis(500) }

/** They are the whole DHT: nobody else is there to know while they keep to themselves. */
const introduced = { introduceAfter: Duration.zero }

/** So many nodes behind the policy, owners 0 and up, each bootstrapped from the first one's front, who all know each other. */
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
    // One after the other: its walk to its own id finds those before it, and shows it to them.
    if (index > 0) yield* node.bootstrapped
  }
  for (const { stats } of nodes) while ((yield* stats).nodes < count - 1) yield* Effect.sleep(5)
  return { nodes, relay }
})
