/**
 * The environment of real sockets: a testnet of real DHT nodes, and iroh endpoints and DHT clients on loopback. All packets pass
 * a relay that applies the scenario to them. It needs a network namespace of its own: see `addresses.ts`.
 */
import { DhtAddressLookup } from "@topic-tracker/core"
import { Crypto, type EndpointId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Effect, Layer, Random } from "effect"
import type { DhtLoad, Environment } from "../environment/Environment.ts"
import { LinkModel } from "../environment/LinkModel.ts"
import { delayAt } from "../scenario/Delay.ts"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import { DHT_PORT, frontOf, IROH_PORT, nodeHost } from "./addresses.ts"
import { type PacketPolicy, Relay } from "./Relay.ts"

/** The owner of a socket. */
interface Owner {
  /** A node of the testnet, or of a topic: its DHT client or its endpoint. */
  readonly kind: "testnet" | "client" | "endpoint"
  /** The node's number in the testnet or in the topic. */
  readonly index: number
}

/** The number of bootstrap nodes of a client: as many as there are public ones. */
const BOOTSTRAP_NODES = 4

/** Each node of the testnet looks its own id up, one second after its start. Topics start after that. */
const TESTNET_START_MS = 2_000

/** Queries in KRPC (BEP 5). The method comes before the read-only flag (BEP 43), so the flag does not matter. */
const GET_QUERY = Buffer.from("1:q3:get")
const PUT_QUERY = Buffer.from("1:q3:put")

/** The environment of a scenario, and its relay. Everything ends with the scope. */
export const socketEnvironment = Effect.fnUntraced(function* (scenario: TopicScenario) {
  const { dht } = scenario
  if (dht.model !== "fixed-hops") return yield* Effect.die(new Error(`dht.model: ${dht.model} has no real packets`))
  const random = yield* Random.Random
  const chance = () => random.nextDoubleUnsafe()
  // The second draw, as in memory: the same seed gives the same links.
  yield* Random.nextInt
  const salt = yield* Random.nextIntBetween(0, 2 ** 31)
  const links = new LinkModel<number>(scenario.links, salt, () => performance.now())
  // `lostGets` is the chance that the query or its answer is lost; each packet has this chance. A put is stored when its query arrives.
  const dhtLoss = 1 - Math.sqrt(1 - dht.lostGets)

  let groups = 1
  let dhtGroups = 1
  const cutOff = new Set<number>()
  const load: Array<{ gets: number; puts: number }> = Array.from({ length: dht.nodes }, () => ({ gets: 0, puts: 0 }))

  const policy: PacketPolicy<Owner> = (from, to, bytes) => {
    if (to.kind === "testnet") countQuery(load[to.index]!, bytes)
    if (from.kind !== "testnet" && cutOff.has(from.index)) return []
    if (to.kind !== "testnet" && cutOff.has(to.index)) return []
    if (from.kind === "endpoint" && to.kind === "endpoint") {
      if (from.index % groups !== to.index % groups) return []
      return links.copies(from.index, to.index, chance, bytes.length)
    }
    if (from.index % dhtGroups !== to.index % dhtGroups) return []
    if (dhtLoss > 0 && chance() < dhtLoss) return []
    return [delayAt(dht.latency, chance(), 0, 0) / 2]
  }
  const relay = yield* Relay.make(policy)

  const testnet = yield* DhtTestnet.make({
    nodes: dht.nodes,
    equalSeq: dht.keepFirst > 0 ? "keep-first" : "overwrite",
  }).pipe(Effect.provide(Crypto.layer()))
  const alive: Array<number> = []
  for (const [index, address] of testnet.addresses.entries()) {
    yield* Effect.orDie(relay.attachFront({ kind: "testnet", index }, address, frontOf(address)))
    if (dht.dead > 0 && chance() < dht.dead) yield* testnet.stop(index)
    else alive.push(index)
  }
  yield* Effect.sleep(TESTNET_START_MS)
  const bootstrap = alive.slice(0, BOOTSTRAP_NODES).map((index) => testnet.addresses[index]!)

  const book = new Map<EndpointId.EndpointId, EndpointAddress>()
  const addresses =
    scenario.addresses === "dht"
      ? DhtAddressLookup.layer({ publishPrivateAddresses: true })
      : AddressLookup.layerStatic(book)
  const node = (index: number) => {
    const host = nodeHost(index)
    // In the namespace all ports are free: a port in use would be an error in this program.
    const fronts = Effect.forEach(
      [
        { kind: "client", port: DHT_PORT },
        { kind: "endpoint", port: IROH_PORT },
      ] as const,
      ({ kind, port }) => Effect.orDie(relay.attachFront({ kind, index }, { host, port }, frontOf({ host, port }))),
      { discard: true },
    )
    const gossip = Gossip.layerIroh({
      bind: `${host}:${IROH_PORT}`,
      publishPrivateAddresses: true,
      config: scenario.gossip,
    })
    const layers = Layer.fresh(gossip).pipe(
      Layer.provideMerge(addresses),
      // As in a topic tracker, the client itself does not retry.
      Layer.provideMerge(Dht.layer({ bootstrap, host, port: DHT_PORT, k: dht.k, retries: 0 })),
    )
    return Layer.unwrap(Effect.as(fronts, layers))
  }

  const environment: Environment = {
    crypto: Crypto.layer(),
    node,
    addNode: (index, endpointId) => {
      links.addNode(index, index)
      book.set(endpointId, { relayUrl: undefined, direct: [`${nodeHost(index)}:${IROH_PORT}`] })
    },
    partition: (wanted, withDht) => {
      groups = wanted
      dhtGroups = withDht ? wanted : 1
    },
    heal: () => {
      groups = 1
      dhtGroups = 1
    },
    cutOff: (index) => cutOff.add(index),
    removeNode: () => {},
    load: Effect.sync((): ReadonlyArray<DhtLoad> => load.map((each) => ({ ...each }))),
  }
  return { environment, relay }
})

const countQuery = (load: { gets: number; puts: number }, packet: Uint8Array): void => {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length)
  if (bytes.includes(GET_QUERY)) load.gets++
  else if (bytes.includes(PUT_QUERY)) load.puts++
}
