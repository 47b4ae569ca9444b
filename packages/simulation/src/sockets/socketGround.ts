/**
 * The ground of real sockets: a testnet of real DHT nodes, and iroh endpoints and DHT clients on loopback, between which all
 * packets pass a relay that does with them what the scenario says. Only inside a namespace of our own: see `addresses.ts`.
 */
import { DhtAddressLookup } from "@topic-tracker/core"
import { Crypto, type EndpointId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Effect, Layer, Random } from "effect"
import { delayAt } from "../model/Delay.ts"
import { LinkModel } from "../model/LinkModel.ts"
import type { DhtLoad, Ground } from "../topics/Ground.ts"
import type { TopicScenario } from "../topics/TopicScenario.ts"
import { dhtPort, frontOf, irohPort, nodeHost } from "./addresses.ts"
import { type Judge, Relay } from "./Relay.ts"

/** Whose socket it is. */
interface Owner {
  /** A node of the testnet, or of a topic: its DHT client, or its endpoint. */
  readonly kind: "testnet" | "client" | "endpoint"
  /** Of the node, within the testnet or within the topic. */
  readonly index: number
}

/** Bootstrap nodes that a node is given, like the public ones. */
const bootstrapNodes = 4

/** The testnet's nodes begin with looking around, one second after their start: that is over before anybody comes. */
const lookAroundMs = 2_000

/** Queries as KRPC has them (BEP 5), whether or not they say read-only after the method (BEP 43). */
const getQuery = Buffer.from("1:q3:get")
const putQuery = Buffer.from("1:q3:put")

/** The ground that the scenario describes, and its relay. All of it ends with the scope. */
export const socketGround = Effect.fnUntraced(function* (scenario: TopicScenario) {
  const { dht } = scenario
  const random = yield* Random.Random
  const chance = () => random.nextDoubleUnsafe()
  // The second draw, as in memory: the same seed gives the same links.
  yield* Random.nextInt
  const salt = yield* Random.nextIntBetween(0, 2 ** 31)
  const links = new LinkModel<number>(scenario.links, salt, () => performance.now())
  // Lost is the query or its answer; a put is done when the query arrives.
  const dhtLoss = 1 - Math.sqrt(1 - dht.lostGets)

  let groups = 1
  let dhtGroups = 1
  const silent = new Set<number>()
  const load: Array<{ gets: number; puts: number }> = Array.from({ length: dht.nodes }, () => ({ gets: 0, puts: 0 }))

  const judge: Judge<Owner> = (from, to, bytes) => {
    if (to.kind === "testnet") count(load[to.index]!, bytes)
    if (from.kind !== "testnet" && silent.has(from.index)) return []
    if (to.kind !== "testnet" && silent.has(to.index)) return []
    if (from.kind === "endpoint" && to.kind === "endpoint") {
      if (from.index % groups !== to.index % groups) return []
      return links.copies(from.index, to.index, chance, bytes.length)
    }
    if (from.index % dhtGroups !== to.index % dhtGroups) return []
    if (dhtLoss > 0 && chance() < dhtLoss) return []
    return [delayAt(dht.latency, chance(), 0, 0) / 2]
  }
  const relay = yield* Relay.make(judge)

  const testnet = yield* DhtTestnet.make({
    nodes: dht.nodes,
    equalSeq: dht.keepFirst > 0 ? "keep-first" : "overwrite",
  }).pipe(Effect.provide(Crypto.layer()))
  const alive: Array<number> = []
  for (const [index, address] of testnet.addresses.entries()) {
    yield* Effect.orDie(relay.attach({ kind: "testnet", index }, address, frontOf(address)))
    if (dht.dead > 0 && chance() < dht.dead) yield* testnet.stop(index)
    else alive.push(index)
  }
  yield* Effect.sleep(lookAroundMs)
  const bootstrap = alive.slice(0, bootstrapNodes).map((index) => testnet.addresses[index]!)

  const book = new Map<EndpointId.EndpointId, EndpointAddress>()
  const addresses =
    scenario.addresses === "dht"
      ? DhtAddressLookup.layer({ publishPrivateAddresses: true })
      : AddressLookup.layerStatic(book)
  const node = (index: number) => {
    const host = nodeHost(index)
    // Ports are free in a namespace of our own: that one is taken would be a bug.
    const fronts = Effect.forEach(
      [
        { kind: "client", port: dhtPort },
        { kind: "endpoint", port: irohPort },
      ] as const,
      ({ kind, port }) => Effect.orDie(relay.attach({ kind, index }, { host, port }, frontOf({ host, port }))),
      { discard: true },
    )
    const gossip = Gossip.layerIroh({
      bind: `${host}:${irohPort}`,
      publishPrivateAddresses: true,
      config: scenario.gossip,
    })
    const layers = Layer.fresh(gossip).pipe(
      Layer.provideMerge(addresses),
      // As a topic tracker has its client: who retries is above it.
      Layer.provideMerge(Dht.layer({ bootstrap, host, port: dhtPort, k: dht.k, retries: 0 })),
    )
    return Layer.unwrap(Effect.as(fronts, layers))
  }

  const ground: Ground = {
    crypto: Crypto.layer(),
    node,
    add: (index, endpointId) => {
      links.add(index, index)
      book.set(endpointId, { relayUrl: undefined, direct: [`${nodeHost(index)}:${irohPort}`] })
    },
    split: (wanted, withDht) => {
      groups = wanted
      dhtGroups = withDht ? wanted : 1
    },
    heal: () => {
      groups = 1
      dhtGroups = 1
    },
    silence: (index) => silent.add(index),
    gone: () => {},
    load: Effect.sync((): ReadonlyArray<DhtLoad> => load.map((each) => ({ ...each }))),
  }
  return { ground, relay }
})

const count = (load: { gets: number; puts: number }, packet: Uint8Array): void => {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length)
  if (bytes.includes(getQuery)) load.gets++
  else if (bytes.includes(putQuery)) load.puts++
}
