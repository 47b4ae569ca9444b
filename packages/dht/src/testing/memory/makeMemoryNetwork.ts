/**
 * A DHT in memory, for tests and simulations: many virtual nodes, each with its own slots, and any number of clients with the same
 * `Dht` service. The effects of a real network on a slot are options: nodes that overwrite or keep the first, dead nodes, lost
 * queries and puts, stale and hostile values, latency. Time is Effect's Clock. Chance comes from one generator that Effect's Random
 * seeds, so that a seed repeats a run. A virtual node has no fiber and no timer: a get or put works on plain data and sleeps only
 * from one of its events to the next. It does not retry, because its failures are intended.
 */
import { Crypto } from "@topic-tracker/crypto"
import { Clock, Duration, Effect, Random } from "effect"
import { type EqualSeq, targetOf } from "../../bep44/item.ts"
import type { MutableKey } from "../../model.ts"
import { makeGenerator } from "./generator.ts"
import { type Held, makeItem } from "./items.ts"
import { makeMemoryClient } from "./MemoryClient.ts"
import type { Injection, MemoryClientOptions, MemoryDhtNetwork, MemoryDhtOptions, MemoryFaults } from "./options.ts"
import { TargetTable, type VirtualNode } from "./TargetTable.ts"

/** A network that shares nothing with others. */
export const makeMemoryNetwork = Effect.fnUntraced(function* (
  options: MemoryDhtOptions = {},
): Effect.fn.Return<MemoryDhtNetwork> {
  const k = options.k ?? 20
  const ttl = Duration.toMillis(options.itemTtl ?? Duration.hours(2))
  const hops = options.hops ?? 2
  const coldHops = options.coldHops ?? hops
  const deadDelay = options.deadDelay ?? 0
  const latency = options.latency
  const getsPerSecond = options.getsPerSecond ?? 0
  const generator = makeGenerator(yield* Random.nextInt)
  const nodes: Array<VirtualNode> = Array.from({ length: options.nodes ?? 200 }, () => ({
    id: generator.bytes(20),
    dead: generator.next() < (options.dead ?? 0),
    stale: generator.next() < (options.stale ?? 0),
    equalSeq: equalSeq(generator.next() < (options.keepFirst ?? 0)),
    gets: 0,
    puts: 0,
    quota: Number.POSITIVE_INFINITY,
    quotaAt: 0,
    phase: getsPerSecond > 0 ? generator.next() : 0,
  }))
  const chances = { lostPuts: options.lostPuts ?? 0, lostGets: options.lostGets ?? 0 }
  const table = new TargetTable<Held>(nodes, k)
  let clients = 0

  /** A round trip in ms. */
  const roundTrip = (): number => (latency === undefined ? 0 : latency(generator.next()))

  /** The time that a lookup takes until it asks the closest nodes, in ms. */
  const approach = (metDead: boolean, cold: boolean): number => {
    let ms = metDead ? deadDelay : 0
    for (let hop = 1; hop < (cold ? coldHops : hops); hop++) ms += roundTrip()
    return ms
  }

  const lostDelay = options.lostDelay ?? 0
  const world = { nodes, table, chances, getsPerSecond, generator, ttl, lostDelay, roundTrip, approach }
  const client = (clientOptions: MemoryClientOptions = {}) =>
    Effect.map(Crypto, (crypto) => makeMemoryClient(world, crypto, 1024 + (clients++ % 64_000), clientOptions.reaches))

  const setFaults = ({ dead, stale, keepFirst, lostGets, lostPuts }: Partial<MemoryFaults>): Effect.Effect<void> =>
    Effect.sync(() => {
      for (const node of nodes) {
        if (dead !== undefined) node.dead = generator.next() < dead
        if (stale !== undefined) node.stale = generator.next() < stale
        if (keepFirst !== undefined) node.equalSeq = equalSeq(generator.next() < keepFirst)
      }
      if (lostGets !== undefined) chances.lostGets = lostGets
      if (lostPuts !== undefined) chances.lostPuts = lostPuts
    })

  const inject = Effect.fnUntraced(function* (injection: Injection) {
    const { publicKey, salt, seq, value } = injection
    const place = table.at(targetOf(publicKey, salt), undefined)
    const expiresAt = (yield* Clock.currentTimeMillis) + ttl
    const item = makeItem(publicKey, salt, seq, value, injection.signature ?? generator.bytes(64))
    for (const index of place.nodes.slice(0, injection.nodes ?? k)) {
      place.slots.set(index, { item, expiresAt, previous: undefined })
    }
  })

  const slots = Effect.fnUntraced(function* (key: MutableKey) {
    const now = yield* Clock.currentTimeMillis
    const place = table.at(targetOf(key.publicKey, key.salt), undefined)
    return place.nodes.map((index) => {
      const held = place.slots.get(index)
      return held === undefined || held.expiresAt <= now ? undefined : held.item.found
    })
  })

  return {
    client,
    setFaults,
    inject,
    slots,
    load: Effect.sync(() => nodes.map(({ gets, puts }) => ({ gets, puts }))),
  }
})

const equalSeq = (keepFirst: boolean): EqualSeq => (keepFirst ? "keep-first" : "overwrite")
