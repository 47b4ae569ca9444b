/**
 * A DHT that exists in memory only, for tests and simulation: many virtual nodes, each with its own slots, and any number of
 * clients with the same `Dht` service. What a real network does to a slot can be set: nodes that overwrite or keep the
 * first, dead nodes, lost queries and puts, stale and hostile values, latency. Time is Effect's Clock; chance is drawn from
 * one generator seeded by Effect's Random, so a seed repeats a run. There is no fiber and no timer for a virtual node: a get
 * or put works on plain data and sleeps at most once for each distinct answer. It does not retry: its failures are meant.
 */
import { Bytes, Crypto } from "@topic-tracker/crypto"
import { Clock, Duration, Effect, Random, Stream } from "effect"
import { invalidKey, invalidPut } from "./arguments.ts"
import { encode } from "./bencode.ts"
import type { Dht, DhtStats, MutableItem, MutableKey, PutReceipt, PutRequest } from "./Dht.ts"
import { DhtError } from "./DhtError.ts"
import { makeGenerator } from "./generator.ts"
import { type EqualSeq, refusal, type StoredItem, signable, targetOf, verifyItem } from "./mutableItem.ts"
import { TargetTable, type VirtualNode } from "./TargetTable.ts"

/** What goes wrong in the network. Shares and chances are 0 to 1; all are 0 unless set. */
export interface MemoryFaults {
  /** Share of the nodes that never answer. */
  readonly dead: number
  /** Share of the nodes that answer with the item they held before the present one, and forget nothing. */
  readonly stale: number
  /** Share of the nodes that keep the first of two items of one seq; the others overwrite. */
  readonly keepFirst: number
  /** Chance that one node does not get a put, or a get. */
  readonly lostPuts: number
  readonly lostGets: number
}

export interface MemoryDhtOptions extends Partial<MemoryFaults> {
  /** Virtual nodes; 200 unless set. */
  readonly nodes?: number
  /** How many of the closest nodes hold an item; 20 unless set. */
  readonly k?: number
  /** How long a node keeps an item after its last put; 2 hours unless set. */
  readonly itemTtl?: Duration.Duration
  /** One round trip in ms, given a number drawn evenly from 0 to 1; 0 unless set. */
  readonly latency?: (chance: number) => number
  /** Round trips before a walk reaches the closest nodes; 2 unless set. */
  readonly hops?: number
  /** What a dead node among the closest costs a walk, in ms; 0 unless set. */
  readonly deadDelay?: number
}

export interface MemoryClientOptions {
  /** Which virtual nodes, by index, this client can reach; all unless set. It is asked at each get and put. */
  readonly reaches?: (node: number) => boolean
}

/** Queries that one virtual node has received. */
export interface NodeLoad {
  readonly gets: number
  readonly puts: number
}

/** An item put into slots as it stands, whatever the rules say. */
export interface Injection extends MutableKey {
  readonly seq: bigint
  readonly value: Uint8Array
  /** 64 bytes; left out, a signature that does not hold. */
  readonly signature?: Uint8Array
  /** How many of the closest nodes get it; all k unless set. */
  readonly nodes?: number
}

/** The simulated network; `client` makes one participant. */
export interface MemoryNetwork {
  readonly client: (options?: MemoryClientOptions) => Effect.Effect<Dht["Service"], never, Crypto>
  /** Changes what goes wrong from now on; which nodes are dead, stale or keep the first is drawn anew where given. */
  readonly setFaults: (faults: Partial<MemoryFaults>) => Effect.Effect<void>
  readonly inject: (injection: Injection) => Effect.Effect<void>
  /** What the k closest live nodes hold under the key, closest first; undefined where nothing is. */
  readonly slots: (key: MutableKey) => Effect.Effect<ReadonlyArray<MutableItem | undefined>>
  /** Queries received by each virtual node since the network was made. */
  readonly load: Effect.Effect<ReadonlyArray<NodeLoad>>
}

/** An item that was put once; all the slots it went into share it. */
interface Item extends StoredItem {
  /** As it is handed out. */
  readonly shown: MutableItem
  /** Whether the signature holds, once that is known. */
  valid: boolean | undefined
}

/** What a slot holds. */
interface Held {
  readonly item: Item
  readonly expiresAt: number
  /** What it held before, as far as a stale node shows it. */
  readonly previous: Item | undefined
}

/** BEP 5 has tokens live this long at least, in ms: a put within it needs no walk. */
const tokenAge = 5 * 60_000

const tokensMax = 1024

const noNodes = new DhtError({
  reason: "NoNodes",
  message: "no virtual node can be reached: all are dead or out of reach",
})

/** A network of its own. */
export const makeMemoryNetwork = Effect.fnUntraced(function* (
  options: MemoryDhtOptions = {},
): Effect.fn.Return<MemoryNetwork> {
  const k = options.k ?? 20
  const ttl = Duration.toMillis(options.itemTtl ?? Duration.hours(2))
  const hops = options.hops ?? 2
  const deadDelay = options.deadDelay ?? 0
  const latency = options.latency
  const generator = makeGenerator(yield* Random.nextInt)
  const nodes: Array<VirtualNode> = Array.from({ length: options.nodes ?? 200 }, () => ({
    id: generator.bytes(20),
    dead: generator.next() < (options.dead ?? 0),
    stale: generator.next() < (options.stale ?? 0),
    equalSeq: equalSeq(generator.next() < (options.keepFirst ?? 0)),
    gets: 0,
    puts: 0,
  }))
  const chances = { lostPuts: options.lostPuts ?? 0, lostGets: options.lostGets ?? 0 }
  const table = new TargetTable<Held>(nodes, k)
  let clients = 0

  /** A round trip in ms. */
  const roundTrip = (): number => (latency === undefined ? 0 : latency(generator.next()))

  /** How long a walk takes until it asks the closest nodes, in ms. */
  const approach = (metDead: boolean): number => {
    let ms = metDead ? deadDelay : 0
    for (let hop = 1; hop < hops; hop++) ms += roundTrip()
    return ms
  }

  const client = Effect.fnUntraced(function* (
    clientOptions: MemoryClientOptions = {},
  ): Effect.fn.Return<Dht["Service"], never, Crypto> {
    const crypto = yield* Crypto
    const port = 1024 + (clients++ % 64_000)
    /** Until when a put to a target needs no walk. */
    const tokens = new Map<string, number>()
    const counts = { sent: 0, received: 0, gets: 0, puts: 0, walks: 0, invalid: 0 }

    const walked = (target: string, now: number): void => {
      if (tokens.size >= tokensMax) tokens.clear()
      tokens.set(target, now + tokenAge)
    }

    /** The item this node answers with, if any. */
    const answer = (node: VirtualNode, held: Held | undefined, now: number): Item | undefined => {
      if (held === undefined) return undefined
      if (node.stale) return held.previous ?? held.item
      return held.expiresAt > now ? held.item : undefined
    }

    const isValid = (item: Item): boolean => {
      item.valid ??= verifyItem(crypto, item)
      if (!item.valid) counts.invalid++
      return item.valid
    }

    /** Asks the closest nodes: the distinct items by arrival, and when the last answer is in; in ms from now. */
    const ask = (key: MutableKey, now: number) => {
      const place = table.at(targetOf(key.publicKey, key.salt), clientOptions.reaches)
      if (place.nodes.length === 0) return undefined
      const start = approach(place.metDead)
      const arrivals = new Map<Item, number>()
      let end = start
      for (const index of place.nodes) {
        const node = nodes[index]!
        node.gets++
        counts.sent++
        if (chances.lostGets > 0 && generator.next() < chances.lostGets) continue
        counts.received++
        const at = start + roundTrip()
        if (at > end) end = at
        const item = answer(node, place.slots.get(index), now)
        if (item === undefined || !isValid(item)) continue
        const known = arrivals.get(item)
        if (known === undefined || at < known) arrivals.set(item, at)
      }
      walked(place.name, now + end)
      return { items: distinct([...arrivals].sort(([, a], [, b]) => a - b)), end }
    }

    const get = (key: MutableKey): Stream.Stream<MutableItem, DhtError> =>
      Stream.unwrap(
        Effect.gen(function* () {
          const invalid = invalidKey(key)
          if (invalid !== undefined) return yield* invalid
          counts.gets++
          counts.walks++
          const asked = ask(key, yield* Clock.currentTimeMillis)
          if (asked === undefined) return yield* noNodes
          const { items, end } = asked
          if (end === 0) return Stream.fromIterable(items.map(([item]) => item))
          let now = 0
          const until = (at: number) => {
            const wait = at - now
            now = at
            return wait > 0 ? Effect.sleep(wait) : Effect.void
          }
          return Stream.fromIterable(items).pipe(
            Stream.mapEffect(([item, at]) => Effect.as(until(at), item)),
            Stream.concat(Stream.fromEffectDrain(Effect.suspend(() => until(end)))),
          )
        }),
      )

    const put = Effect.fnUntraced(function* (request: PutRequest): Effect.fn.Return<PutReceipt, DhtError> {
      const invalid = invalidPut(request)
      if (invalid !== undefined) return yield* invalid
      counts.puts++
      const { salt, seq, cas, value } = request
      const { publicKey } = request.key
      const signature = crypto.sign(request.key, signable(salt, seq, encode(value)))
      const place = table.at(targetOf(publicKey, salt), clientOptions.reaches)
      if (place.nodes.length === 0) return yield* noNodes
      const item = { ...makeItem(publicKey, salt, seq, value, signature), valid: true }
      const start = yield* Clock.currentTimeMillis
      if ((tokens.get(place.name) ?? 0) <= start) {
        counts.walks++
        const walk = approach(place.metDead) + roundTrip()
        for (const index of place.nodes) nodes[index]!.gets++
        counts.sent += place.nodes.length
        walked(place.name, start + walk)
        if (walk > 0) yield* Effect.sleep(walk)
      }
      const now = yield* Clock.currentTimeMillis
      let stored = 0
      let slowest = 0
      for (const index of place.nodes) {
        const node = nodes[index]!
        node.puts++
        counts.sent++
        if (chances.lostPuts > 0 && generator.next() < chances.lostPuts) continue
        counts.received++
        slowest = Math.max(slowest, roundTrip())
        const held = place.slots.get(index)
        const current = held !== undefined && held.expiresAt > now ? held.item : undefined
        if (refusal(current, { seq, cas, encodedValue: item.encodedValue }, node.equalSeq) !== undefined) continue
        // Put again unaltered, an item is only renewed: its predecessor stays the same.
        const previous =
          current !== undefined && Bytes.equals(current.signature, signature) ? held?.previous : held?.item
        place.slots.set(index, { item, expiresAt: now + ttl, previous })
        stored++
      }
      table.sweep((held) => held.expiresAt > now)
      if (slowest > 0) yield* Effect.sleep(slowest)
      if (stored > 0) return { stored, asked: place.nodes.length }
      return yield* new DhtError({ reason: "Rejected", message: `put: stored by none of ${place.nodes.length} nodes` })
    })

    const stats: Effect.Effect<DhtStats> = Effect.sync(() => ({
      nodes: nodes.length,
      packetsSent: counts.sent,
      packetsReceived: counts.received,
      packetsMalformed: 0,
      gets: counts.gets,
      puts: counts.puts,
      walks: counts.walks,
      itemsInvalid: counts.invalid,
      itemsStored: 0,
      queriesServed: 0,
      queriesLimited: 0,
    }))

    return {
      get,
      put,
      bootstrapped: Effect.suspend(() => (nodes.some(({ dead }) => !dead) ? Effect.void : Effect.fail(noNodes))),
      address: Effect.succeed({ host: "127.0.0.1", port }),
      stats,
      snapshot: Effect.succeed([]),
    }
  })

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
      return held === undefined || held.expiresAt <= now ? undefined : held.item.shown
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

const makeItem = (
  publicKey: Uint8Array,
  salt: Uint8Array | undefined,
  seq: bigint,
  value: Uint8Array,
  signature: Uint8Array,
): Item => ({
  publicKey,
  salt,
  seq,
  encodedValue: encode(value),
  signature,
  shown: { publicKey, ...(salt === undefined ? {} : { salt }), seq, value: value.slice(), signature },
  valid: undefined,
})

/** Without items that are the same but were put anew, the earliest of each. */
const distinct = (
  arrivals: ReadonlyArray<readonly [Item, number]>,
): ReadonlyArray<readonly [item: MutableItem, at: number]> => {
  const seen = new Set<string>()
  const items: Array<readonly [MutableItem, number]> = []
  for (const [{ shown, signature }, at] of arrivals) {
    const name = Bytes.toHex(signature)
    if (seen.has(name)) continue
    seen.add(name)
    items.push([shown, at])
  }
  return items
}
