/** The environment in memory, on virtual time: a DHT model, and a network in which LinkModel decides about each packet. */
import { DhtAddressLookup } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import { AddressLookup, Gossip } from "@topic-tracker/gossip"
import { MemoryNetwork, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Effect, Layer, Random, Stream } from "effect"
import { mainlineDht } from "../mainline/mainlineDht.ts"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import { fixedHopsDht } from "./DhtModel.ts"
import type { Environment } from "./Environment.ts"
import { LinkModel } from "./LinkModel.ts"
import * as SharedCrypto from "./sharedCrypto.ts"
import { transportWithLookup } from "./transportWithLookup.ts"
import type { WorldTime } from "./WorldTime.ts"

/** The interval of iroh's own heartbeats on a connection. */
const HEARTBEAT_MS = 5_000

/** The environment of a scenario. Nothing moves in it after the scope has closed. */
export const memoryEnvironment = Effect.fnUntraced(function* (
  scenario: TopicScenario,
  time: WorldTime,
  topicName: string,
) {
  const { dht: settings } = scenario
  const dht = yield* settings.model === "mainline" ? mainlineDht(settings) : fixedHopsDht(settings)
  const salt = yield* Random.nextIntBetween(0, 2 ** 31)
  const links = new LinkModel<EndpointId.EndpointId>(scenario.links, salt, () => time.now)
  const network = yield* MemoryNetwork.make({
    link: links.policy,
    reachable: (_, to) => links.canBeDialled(to),
    retransmitMs: links.dialAgainMs,
    recovery: links.recovery,
    heartbeatMs: HEARTBEAT_MS,
  })
  const crypto = Layer.succeedContext(yield* Layer.build(SharedCrypto.layer()))
  const { hostile } = settings
  if (hostile !== undefined) {
    yield* dht.flood(topicName, hostile).pipe(Effect.provide(crypto), Effect.forkScoped)
  }

  const ids: Array<EndpointId.EndpointId> = []
  const gone = new Set<number>()
  let groups = 1
  let dhtGroups = 1
  const applyPartition = (): void => {
    const members: Array<Array<EndpointId.EndpointId>> = Array.from({ length: groups }, () => [])
    for (const [index, endpointId] of ids.entries()) members[index % groups]!.push(endpointId)
    network.partition(members)
  }
  const reaches = (index: number, dhtNode: number): boolean =>
    !gone.has(index) && dhtNode % dhtGroups === index % dhtGroups

  const mustLookUp = scenario.addresses === "dht"
  const transport = MemoryTransport.layer(network)
  const gossip = Gossip.layer(scenario.gossip).pipe(
    Layer.provide(mustLookUp ? transportWithLookup(transport) : transport),
    Layer.orDie,
  )
  const addresses = mustLookUp ? DhtAddressLookup.layer({ publishPrivateAddresses: true }) : allAddressesKnown
  const environment: Environment = {
    crypto,
    node: (index) =>
      gossip.pipe(Layer.provideMerge(addresses), Layer.provideMerge(dht.client((node) => reaches(index, node)))),
    addNode: (index, endpointId) => {
      links.addNode(endpointId, index)
      ids[index] = endpointId
      if (groups > 1) applyPartition()
    },
    partition: (wanted, withDht) => {
      groups = wanted
      dhtGroups = withDht ? wanted : 1
      applyPartition()
    },
    heal: () => {
      groups = 1
      dhtGroups = 1
      network.heal()
    },
    cutOff: (index) => network.crash(ids[index]!),
    suspend: (index) => {
      gone.add(index)
      network.crash(ids[index]!)
    },
    wake: (index) => {
      gone.delete(index)
      network.restore(ids[index]!)
      network.changeNetwork(ids[index]!)
    },
    removeNode: (index) => gone.add(index),
    load: dht.load,
    nearestHolding: dht.nearestHolding,
  }
  return environment
})

/** In the network in memory a key is also an address. */
const allAddressesKnown = Layer.succeed(AddressLookup, {
  resolve: () => Stream.empty,
  publish: () => Effect.void,
  learnAddress: () => Effect.void,
})
