/**
 * The DHT of a simulated environment: clients for the nodes of a topic, and the load of the DHT's nodes. A model decides what a
 * lookup costs and which answers arrive; the environment decides which of the DHT's nodes a client reaches.
 */
import type { Crypto } from "@topic-tracker/crypto"
import type { Dht } from "@topic-tracker/dht"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Effect, type Layer } from "effect"
import { delayAt } from "../scenario/Delay.ts"
import type { FixedHopsSettings, HostileSettings } from "../scenario/DhtSettings.ts"
import type { DhtLoad } from "./Environment.ts"
import { floodSlot } from "./floodSlot.ts"

export interface DhtModel {
  /** A client. `reaches`: whether it reaches the DHT's node with this index now. */
  readonly client: (reaches: (dhtNode: number) => boolean) => Layer.Layer<Dht, never, Crypto>
  /** Attacks the topic's slots until it is interrupted. */
  readonly flood: (topicName: string, settings: HostileSettings) => Effect.Effect<never, never, Crypto>
  /** See `Environment`. */
  readonly load: Effect.Effect<ReadonlyArray<DhtLoad>>
  /** See `Environment`. */
  readonly nearestHolding?: (target: Uint8Array) => number
}

/**
 * The DHT with `model = "fixed-hops"`: its nodes hold items and have the faults of the settings, but they have no routing tables. A
 * lookup has a length in round trips and no path, and the production client does not run.
 */
export const fixedHopsDht = Effect.fnUntraced(function* (settings: FixedHopsSettings) {
  const { deadDelayMs, hostile: _, latency, lostDelayMs, model: __, ...faults } = settings
  const dht = yield* MemoryDht.make({
    ...faults,
    deadDelay: deadDelayMs,
    lostDelay: lostDelayMs,
    latency: (chance) => delayAt(latency, chance, 0, 0),
  })
  const model: DhtModel = {
    client: (reaches) => MemoryDht.layer(dht, { reaches }),
    flood: (topicName, hostile) =>
      Effect.flatMap(dht.client(), (client) =>
        floodSlot({ put: client.put, inject: dht.inject, topicName, settings: hostile }),
      ),
    load: dht.load,
  }
  return model
})
