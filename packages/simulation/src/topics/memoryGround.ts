/** The ground in memory: a DHT of data and a network of links that LinkModel decides about, on virtual time. */
import { DhtAddressLookup } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { AddressLookup, Gossip } from "@topic-tracker/gossip"
import { MemoryNetwork, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Effect, Layer, Random, Stream } from "effect"
import { delayAt } from "../model/Delay.ts"
import { LinkModel } from "../model/LinkModel.ts"
import type { Ground } from "./Ground.ts"
import { attack } from "./Hostile.ts"
import { lookingUp } from "./lookingUp.ts"
import type { TopicScenario } from "./TopicScenario.ts"
import type { WorldTime } from "./WorldTime.ts"
import * as WorldCrypto from "./worldCrypto.ts"

/** As iroh's connections have it. */
const heartbeatMs = 5_000

/** The ground that the scenario describes. Nothing moves in it after the scope has closed. */
export const memoryGround = Effect.fnUntraced(function* (scenario: TopicScenario, time: WorldTime, topicName: string) {
  const { deadDelayMs, hostile, latency, lostDelayMs, ...faults } = scenario.dht
  const dht = yield* MemoryDht.make({
    ...faults,
    deadDelay: deadDelayMs,
    lostDelay: lostDelayMs,
    latency: (chance) => delayAt(latency, chance, 0, 0),
  })
  const salt = yield* Random.nextIntBetween(0, 2 ** 31)
  const links = new LinkModel<EndpointId.EndpointId>(scenario.links, salt, () => time.now)
  const network = yield* MemoryNetwork.make({
    link: links.policy,
    reachable: (_, to) => links.isPublic(to),
    retransmitMs: links.retransmitMs,
    heartbeatMs,
  })
  const crypto = Layer.succeedContext(yield* Layer.build(WorldCrypto.layer))
  if (hostile !== undefined) {
    const client = yield* dht.client().pipe(Effect.provide(crypto))
    yield* attack({ dht, client, topicName, settings: hostile }).pipe(Effect.provide(crypto), Effect.forkScoped)
  }

  const ids: Array<EndpointId.EndpointId> = []
  const gone = new Set<number>()
  let groups = 1
  let dhtGroups = 1
  const partition = (): void => {
    const members: Array<Array<EndpointId.EndpointId>> = Array.from({ length: groups }, () => [])
    for (const [index, endpointId] of ids.entries()) members[index % groups]!.push(endpointId)
    network.partition(members)
  }
  const reaches = (index: number, dhtNode: number): boolean =>
    !gone.has(index) && dhtNode % dhtGroups === index % dhtGroups

  const mustLookUp = scenario.addresses === "dht"
  const transport = MemoryTransport.layer(network)
  const gossip = Gossip.layer(scenario.gossip).pipe(
    Layer.provide(mustLookUp ? lookingUp(transport) : transport),
    Layer.orDie,
  )
  const addresses = mustLookUp ? DhtAddressLookup.layer({ publishPrivateAddresses: true }) : everyoneIsKnown
  const ground: Ground = {
    crypto,
    node: (index) =>
      gossip.pipe(
        Layer.provideMerge(addresses),
        Layer.provideMerge(MemoryDht.layer(dht, { reaches: (node) => reaches(index, node) })),
      ),
    add: (index, endpointId) => {
      links.add(endpointId, index)
      ids[index] = endpointId
      if (groups > 1) partition()
    },
    split: (wanted, withDht) => {
      groups = wanted
      dhtGroups = withDht ? wanted : 1
      partition()
    },
    heal: () => {
      groups = 1
      dhtGroups = 1
      network.heal()
    },
    silence: (index) => network.crash(ids[index]!),
    gone: (index) => gone.add(index),
    load: dht.load,
  }
  return ground
})

/** In memory a key is its own address. */
const everyoneIsKnown = Layer.succeed(AddressLookup, {
  resolve: () => Stream.empty,
  publish: () => Effect.void,
  learnAddress: () => Effect.void,
})
