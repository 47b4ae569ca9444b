/** One participant of the simulated network: `get` and `put` against the shared nodes. */
import { Bytes, type Crypto } from "@topic-tracker/crypto"
import { Clock, Effect, Stream } from "effect"
import { invalidKey, invalidPut } from "../arguments.ts"
import type { Dht, DhtStats, GetOptions, MutableItem, MutableKey, PutReceipt, PutRequest } from "../Dht.ts"
import { DhtError } from "../DhtError.ts"
import { encode } from "../krpc/bencode.ts"
import { refusal, signable, targetOf, verifyItem } from "../mutableItem.ts"
import type { Generator } from "./generator.ts"
import { distinct, type Held, type Item, makeItem } from "./items.ts"
import type { TargetTable, VirtualNode } from "./TargetTable.ts"

/** What all participants share. */
export interface World {
  readonly nodes: ReadonlyArray<VirtualNode>
  readonly table: TargetTable<Held>
  readonly chances: { readonly lostPuts: number; readonly lostGets: number }
  readonly generator: Generator
  /** How long a node keeps an item, in ms. */
  readonly ttl: number
  /** One round trip, in ms. */
  readonly roundTrip: () => number
  /** How long a node that does not answer is waited for, in ms. */
  readonly lostDelay: number
  /** How long a walk takes until it asks the closest nodes, in ms. */
  readonly approach: (metDead: boolean, cold: boolean) => number
}

/** BEP 5 has tokens live this long at least, in ms: a put within it needs no walk. */
const tokenAge = 5 * 60_000

const tokensMax = 1024

/** As the ceiling of round trips in the client over UDP, in ms. */
const longestWait = 2_000

/** After so many ms a get over UDP ends with what it has. */
const longestWalk = 10_000

const noNodes = new DhtError({
  reason: "NoNodes",
  message: "no virtual node can be reached: all are dead or out of reach",
})

/** A participant that reaches the nodes for which `reaches` says so. */
export const makeMemoryClient = (
  world: World,
  crypto: Crypto["Service"],
  port: number,
  reaches: ((node: number) => boolean) | undefined,
): Dht["Service"] => {
  const { nodes, table, chances, generator, ttl, lostDelay, roundTrip, approach } = world
  /** Until when a put to a target needs no walk. */
  const tokens = new Map<string, number>()
  const counts = { sent: 0, received: 0, gets: 0, puts: 0, walks: 0, invalid: 0 }

  /** When its first walk is over. */
  let warmAt = Number.POSITIVE_INFINITY

  const walked = (target: string, now: number): void => {
    warmAt = Math.min(warmAt, now)
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

  /** In place of each node that does not answer another one is asked. Until the last of them has answered, in ms. */
  const makeUpFor = (chance: number): number => {
    let ms = lostDelay
    while (generator.next() < chance) ms += lostDelay
    return ms + roundTrip()
  }

  /**
   * How long a put waits for a node in vain, in ms: it has answered once, so three times what that took (RFC 6298, 2.2), and
   * twice as long for each query that it left unanswered before.
   */
  const patience = (): number => {
    let ms = 3 * roundTrip()
    while (ms < longestWait && generator.next() < chances.lostGets) ms *= 2
    return Math.min(ms, longestWait)
  }

  /** Asks the closest nodes: the distinct items by arrival, and when the last answer is in; in ms from now. */
  const ask = (key: MutableKey, now: number, most: number) => {
    const place = table.at(targetOf(key.publicKey, key.salt), reaches)
    if (place.nodes.length === 0) return undefined
    // A walk that is still under way has not found them yet.
    const until = tokens.get(place.name) ?? 0
    const isKnown = until > now && until - tokenAge <= now
    // Those who ask all begin with a few and widen with each answer, so that it takes about as long as finding them.
    const start = isKnown && most < place.nodes.length ? 0 : approach(place.metDead, warmAt > now)
    const arrivals = new Map<Item, number>()
    let end = start
    // As on the wire: until a walk has found them, the closest nodes are not known.
    const enough = isKnown ? most : place.nodes.length
    for (const index of place.nodes.slice(0, enough)) {
      const node = nodes[index]!
      node.gets++
      counts.sent++
      if (chances.lostGets > 0 && generator.next() < chances.lostGets) {
        if (lostDelay > 0) end = Math.max(end, start + makeUpFor(chances.lostGets))
        continue
      }
      counts.received++
      const at = start + roundTrip()
      if (at > end) end = at
      const item = answer(node, place.slots.get(index), now)
      if (item === undefined || !isValid(item)) continue
      const known = arrivals.get(item)
      if (known === undefined || at < known) arrivals.set(item, at)
    }
    if (enough >= place.nodes.length) walked(place.name, now + end)
    return { items: distinct([...arrivals].sort(([, a], [, b]) => a - b)), end }
  }

  const get = (key: MutableKey, options: GetOptions = {}): Stream.Stream<MutableItem, DhtError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const invalid = invalidKey(key)
        if (invalid !== undefined) return yield* invalid
        counts.gets++
        counts.walks++
        const asked = ask(key, yield* Clock.currentTimeMillis, options.nodes ?? nodes.length)
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
    const { salt, seq, cas, value, whenStored } = request
    const { publicKey } = request.key
    const signature = crypto.sign(request.key, signable(salt, seq, encode(value)))
    const target = targetOf(publicKey, salt)
    const before = table.at(target, reaches)
    const item = { ...makeItem(publicKey, salt, seq, value, signature), valid: true }
    const start = yield* Clock.currentTimeMillis
    const until = tokens.get(before.name) ?? 0
    if (until > start) {
      // As on the wire, a walk of that target that is under way is waited for. One that seems to end later than any walk is
      // over: the clock was set back.
      const rest = until - tokenAge - start
      if (rest > 0 && rest <= longestWalk) yield* Effect.sleep(rest)
    } else {
      counts.walks++
      const walk = ask({ publicKey, ...(salt === undefined ? {} : { salt }) }, start, nodes.length)?.end ?? 0
      if (walk > 0) yield* Effect.sleep(walk)
    }
    // The network may have changed during the walk.
    const place = table.at(target, reaches)
    if (place.nodes.length === 0) return yield* noNodes
    const now = yield* Clock.currentTimeMillis
    /** When each node that stored it says so, in ms from now. */
    const stored: Array<number> = []
    let answered = 0
    let slowest = 0
    for (const index of place.nodes) {
      const node = nodes[index]!
      node.puts++
      counts.sent++
      if (chances.lostPuts > 0 && generator.next() < chances.lostPuts) {
        if (lostDelay > 0) slowest = Math.max(slowest, patience())
        continue
      }
      answered++
      const after = roundTrip()
      slowest = Math.max(slowest, after)
      const held = place.slots.get(index)
      const current = held !== undefined && held.expiresAt > now ? held.item : undefined
      if (refusal(current, { seq, cas, encodedValue: item.encodedValue }, node.equalSeq) !== undefined) continue
      // Put again unaltered, an item is only renewed: its predecessor stays the same.
      const previous = current !== undefined && Bytes.equals(current.signature, signature) ? held?.previous : held?.item
      place.slots.set(index, { item, expiresAt: now + ttl, previous })
      stored.push(after)
    }
    counts.received += answered
    table.sweep((held) => held.expiresAt > now)
    const enoughAfter = whenStored && stored.sort((a, b) => a - b)[whenStored.nodes - 1]
    if (whenStored !== undefined && enoughAfter !== undefined) {
      if (enoughAfter > 0) yield* Effect.sleep(enoughAfter)
      whenStored.run()
      slowest -= enoughAfter
    }
    if (slowest > 0) yield* Effect.sleep(slowest)
    const asked = place.nodes.length
    if (stored.length > 0) return { stored: stored.length, asked }
    return yield* answered > 0
      ? new DhtError({ reason: "Rejected", message: `put: stored by none of ${asked} nodes` })
      : new DhtError({ reason: "Timeout", message: `put: none of ${asked} nodes answered` })
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
}
