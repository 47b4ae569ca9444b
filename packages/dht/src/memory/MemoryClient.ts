/** One participant of the simulated network: `get` and `put` against the shared nodes. */
import type { Crypto } from "@topic-tracker/crypto"
import { Clock, Effect, Stream } from "effect"
import { invalidGet, invalidPut } from "../arguments.ts"
import type { Dht, DhtStats, GetOptions, MutableItem, MutableKey, PutReceipt, PutRequest } from "../Dht.ts"
import { DhtError } from "../DhtError.ts"
import { encode } from "../krpc/bencode.ts"
import { signable, targetOf, verifyItem } from "../mutableItem.ts"
import { Agenda } from "./Agenda.ts"
import type { Generator } from "./generator.ts"
import { distinct, type Held, heldAfter, type Item, makeItem } from "./items.ts"
import { longestWalk, planWalk, type WalkPlan } from "./planWalk.ts"
import type { Place, TargetTable, VirtualNode } from "./TargetTable.ts"
import { nearAt, Vicinities } from "./Vicinities.ts"

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

/** As the ceiling of round trips in the client over UDP, in ms. */
const longestWait = 2_000

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
  const vicinities = new Vicinities()
  const counts = { sent: 0, received: 0, gets: 0, puts: 0, walks: 0, invalid: 0 }

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

  /**
   * How long a put waits for a node in vain, in ms: it has answered once, so three times what that took (RFC 6298, 2.2), and
   * twice as long for each query that it left unanswered before.
   */
  const patience = (): number => {
    let ms = 3 * roundTrip()
    while (ms < longestWait && generator.next() < chances.lostGets) ms *= 2
    return Math.min(ms, longestWait)
  }

  /** Begins to ask the closest nodes, the `first` nearest before the others; undefined when there are none. */
  const walk = (target: Uint8Array, now: number, most: number, first = most): WalkPlan | undefined => {
    const place = table.at(target, reaches)
    if (place.nodes.length === 0) return undefined
    const vicinity = vicinities.at(place.name)
    const isKnown = vicinity !== undefined && vicinity.until > now && nearAt(vicinity, most) <= now
    const isPart = isKnown && most < place.nodes.length
    const plan = planWalk({
      nodes: place.nodes,
      // As on the wire: until a walk has found them, the closest nodes are not known.
      wanted: isPart ? most : place.nodes.length,
      first,
      // Those who ask all begin with a few and widen with each answer, so that it takes about as long as finding them.
      start: isPart ? 0 : approach(place.metDead, vicinities.isCold(now)),
      isLost: () => chances.lostGets > 0 && generator.next() < chances.lostGets,
      roundTrip,
      lostDelay,
    })
    for (const { answeredAt, node } of plan.questions) {
      nodes[node]!.gets++
      counts.sent++
      if (answeredAt !== undefined) counts.received++
    }
    if (!isPart) vicinities.walked(place.name, now, plan.answeredBy, plan.end)
    return plan
  }

  const get = (key: MutableKey, options: GetOptions = {}): Stream.Stream<MutableItem, DhtError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const invalid = invalidGet(key, options)
        if (invalid !== undefined) return yield* invalid
        counts.gets++
        counts.walks++
        const target = targetOf(key.publicKey, key.salt)
        const beganAt = yield* Clock.currentTimeMillis
        const { whenHeard, nodes: most = nodes.length } = options
        const plan = walk(target, beganAt, most, whenHeard?.nodes)
        if (plan === undefined) return yield* noNodes
        const isNew = distinct()
        const agenda = new Agenda()
        for (const [sentAt, asked] of Map.groupBy(plan.questions, ({ sentAt }) => sentAt)) {
          agenda.add(sentAt, () => {
            const { slots } = table.at(target, reaches)
            for (const { answeredAt, node } of asked) {
              if (answeredAt === undefined) continue
              const item = answer(nodes[node]!, slots.get(node), beganAt + sentAt)
              if (item !== undefined && isValid(item))
                agenda.add(answeredAt, () => (isNew(item) ? item.shown : undefined))
            }
          })
        }
        if (whenHeard !== undefined) agenda.addLast(plan.answeredBy[whenHeard.nodes - 1] ?? plan.end, whenHeard.run)
        agenda.addLast(plan.end, () => {})
        return agenda.items
      }),
    )

  /** Has the node of the place store the item. How long it takes to say so, or is waited for in vain, in ms, and what it says. */
  const store = (place: Place<Held>, index: number, item: Item, cas: bigint | undefined, now: number) => {
    const node = nodes[index]!
    node.puts++
    counts.sent++
    if (chances.lostPuts > 0 && generator.next() < chances.lostPuts) {
      return { answer: "none", after: lostDelay > 0 ? patience() : 0 } as const
    }
    counts.received++
    const after = roundTrip()
    const held = heldAfter(place.slots.get(index), item, cas, node.equalSeq, now, ttl)
    if (held === undefined) return { answer: "rejected", after } as const
    place.slots.set(index, held)
    return { answer: "stored", after } as const
  }

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
    if ((vicinities.at(before.name)?.until ?? 0) <= start) {
      counts.walks++
      walk(target, start, nodes.length, whenStored?.nodes)
    }
    // As on the wire, a walk of that target that is under way is waited for, and the nearest nodes get the item before it ends.
    // One that seems to end later than any walk is over: the clock was set back.
    const vicinity = vicinities.at(before.name)
    const untilOver = (vicinity?.overAt ?? start) - start
    const isWalking = untilOver > 0 && untilOver <= longestWalk
    const first = whenStored?.nodes ?? nodes.length
    const untilNear = vicinity === undefined ? 0 : Math.max(0, nearAt(vicinity, first) - start)
    const counted = { asked: 0, stored: 0, rejected: 0, none: 0 }
    const agenda = new Agenda()
    const askPart = (begins: number, from: number, to: number): void =>
      agenda.add(begins, () => {
        // The network may have changed during the walk.
        const place = table.at(target, reaches)
        const now = start + begins
        counted.asked = Math.max(counted.asked, place.nodes.length)
        for (const index of place.nodes.slice(from, to)) {
          const { answer, after } = store(place, index, item, cas, now)
          agenda.addLast(begins + after, () => {
            counted[answer]++
            if (answer === "stored" && counted.stored === whenStored?.nodes) whenStored.run()
          })
        }
        table.sweep((held) => held.expiresAt > now)
        return undefined
      })
    if (isWalking) {
      askPart(untilNear, 0, first)
      askPart(untilOver, first, nodes.length)
    } else askPart(0, 0, nodes.length)
    yield* agenda.done
    const { asked, rejected, stored } = counted
    if (asked === 0) return yield* noNodes
    if (stored > 0) return { stored, asked }
    return yield* rejected > 0
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
