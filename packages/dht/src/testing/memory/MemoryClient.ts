/** One participant of the simulated network: `get` and `put` against the shared nodes. */
import type { Crypto } from "@topic-tracker/crypto"
import { Clock, Effect, Stream } from "effect"
import { encodeValue, signable, targetOf, verifyItem } from "../../bep44/item.ts"
import { invalidGet, invalidPut } from "../../checkArguments.ts"
import { DhtError } from "../../DhtError.ts"
import type { DhtService, DhtStats, GetOptions, MutableItem, MutableKey, PutReceipt, PutRequest } from "../../model.ts"
import { EventSchedule } from "./EventSchedule.ts"
import type { Generator } from "./generator.ts"
import { distinct, type Held, heldAfter, type Item, makeItem } from "./items.ts"
import { LONGEST_LOOKUP_MS, type LookupPlan, planLookup, type Question } from "./planLookup.ts"
import type { Place, TargetTable, VirtualNode } from "./TargetTable.ts"
import { nearestAt, Vicinities } from "./Vicinities.ts"

/** The data that all participants share. */
export interface World {
  readonly nodes: ReadonlyArray<VirtualNode>
  readonly table: TargetTable<Held>
  readonly chances: { readonly lostPuts: number; readonly lostGets: number }
  /** See `MemoryDhtOptions`; 0 for no limit. */
  readonly getsPerSecond: number
  readonly generator: Generator
  /** The time for which a node stores an item, in ms. */
  readonly ttl: number
  /** One round trip, in ms. */
  readonly roundTrip: () => number
  /** The time that a lookup waits for a node that does not answer, in ms. */
  readonly lostDelay: number
  /** The time that a lookup takes until it asks the closest nodes, in ms. */
  readonly approach: (metDead: boolean, cold: boolean) => number
}

/** The ceiling of round trips in the client over UDP. */
const LONGEST_WAIT_MS = 2_000

/** As libtorrent: so many seconds' worth of its rate may be used at once. */
const BURST_SECONDS = 3

const noNodes = new DhtError({
  reason: "NoNodes",
  message: "no virtual node is reachable: all are dead or out of reach",
})

/** A participant that reaches the nodes for which `reaches` returns true. */
export const makeMemoryClient = (
  world: World,
  crypto: Crypto["Service"],
  port: number,
  reaches: ((node: number) => boolean) | undefined,
): DhtService => {
  const { nodes, table, chances, getsPerSecond, generator, ttl, lostDelay, roundTrip, approach } = world
  const vicinities = new Vicinities()
  const counts = { sent: 0, received: 0, gets: 0, puts: 0, lookups: 0, invalid: 0 }

  /** The item with which this node answers, if any. */
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
   * The time that a put waits for a node that does not answer, in ms: the node has answered once, so three times what that took
   * (RFC 6298, 2.2), doubled for each query that it left unanswered before.
   */
  const drawPutTimeoutMs = (): number => {
    let ms = 3 * roundTrip()
    while (ms < LONGEST_WAIT_MS && generator.next() < chances.lostGets) ms *= 2
    return Math.min(ms, LONGEST_WAIT_MS)
  }

  /**
   * Whether the node has more gets to answer than it may. A lookup is planned as a whole, and all of its queries count when it begins: if those
   * that it sends later counted later, they would take the answers of queries that others send before them.
   */
  const isOverRate = (node: VirtualNode, at: number): boolean => {
    if (getsPerSecond === 0) return false
    const gained = (getsPerSecond * Math.max(0, at - node.quotaAt)) / 1000
    const most = Math.max(1, BURST_SECONDS * getsPerSecond - node.phase)
    node.quota = Math.min(most, node.quota + gained)
    node.quotaAt = Math.max(node.quotaAt, at)
    if (node.quota < 1) return true
    node.quota--
    return false
  }

  /** Plans a lookup that asks the closest nodes, the `first` nearest before the others; undefined if there are none. */
  const lookUp = (target: Uint8Array, now: number, most: number, first = most): LookupPlan | undefined => {
    const place = table.at(target, reaches)
    if (place.nodes.length === 0) return undefined
    const vicinity = vicinities.at(place.name)
    const isKnown = vicinity !== undefined && vicinity.until > now && nearestAt(vicinity, most) <= now
    const isPart = isKnown && most < place.nodes.length
    const plan = planLookup({
      nodes: place.nodes,
      // As on the wire, the closest nodes are not known until a lookup has found them.
      wanted: isPart ? most : place.nodes.length,
      first,
      // A whole lookup begins with a few nodes and widens with each answer, which takes about as long as finding them.
      start: isPart || (isKnown && vicinity.isCut) ? 0 : approach(place.metDead, vicinities.isCold(now)),
      isLost: (node) =>
        (node !== undefined && isOverRate(nodes[node]!, now)) ||
        (chances.lostGets > 0 && generator.next() < chances.lostGets),
      roundTrip,
      lostDelay,
    })
    for (const { answeredAt, node } of plan.questions) {
      nodes[node]!.gets++
      counts.sent++
      if (answeredAt !== undefined) counts.received++
    }
    if (!isPart) vicinities.rememberLookup(place.name, now, plan.answeredBy, plan.end)
    return plan
  }

  const get = (key: MutableKey, options: GetOptions = {}): Stream.Stream<MutableItem, DhtError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const invalid = invalidGet(key, options)
        if (invalid !== undefined) return yield* invalid
        counts.gets++
        counts.lookups++
        const target = targetOf(key.publicKey, key.salt)
        const beganAt = yield* Clock.currentTimeMillis
        const { onNearest, onOver, nodes: most = nodes.length } = options
        const plan = lookUp(target, beganAt, most, onNearest?.nodes)
        if (plan === undefined) return yield* noNodes
        const isNew = distinct()
        const schedule = new EventSchedule()
        const unsent = new Set(plan.questions)
        const vicinity = vicinities.at(table.at(target, reaches).name)
        for (const [sentAt, asked] of bySentTime(plan.questions)) {
          schedule.add(sentAt, () => {
            for (const question of asked) unsent.delete(question)
            const { slots } = table.at(target, reaches)
            for (const { answeredAt, node } of asked) {
              if (answeredAt === undefined) continue
              const item = answer(nodes[node]!, slots.get(node), beganAt + sentAt)
              if (item !== undefined && isValid(item))
                schedule.add(answeredAt, () => (isNew(item) ? item.found : undefined))
            }
          })
        }
        if (onNearest !== undefined) schedule.addLast(plan.answeredBy[onNearest.nodes - 1] ?? plan.end, onNearest.run)
        schedule.addLast(plan.end, () => {})
        // As on the wire, a lookup that nobody reads any more asks no further nodes.
        const cut = Effect.sync(() => {
          if (unsent.size === 0 || vicinity?.isPutTo === true) return
          if (vicinity !== undefined) vicinity.isCut = true
          for (const { answeredAt, node } of unsent) {
            nodes[node]!.gets--
            counts.sent--
            if (answeredAt === undefined) continue
            counts.received--
            // The node answers others instead.
            if (getsPerSecond > 0) nodes[node]!.quota++
          }
        })
        const reportOver = Effect.map(Clock.currentTimeMillis, (now) => {
          const isOver = (question: Question) => beganAt + (question.answeredAt ?? question.sentAt + lostDelay) <= now
          const over = plan.questions.filter(isOver)
          const answered = over.filter(({ answeredAt }) => answeredAt !== undefined).length
          onOver?.(answered, over.length - answered)
        })
        return Stream.ensuring(schedule.items, onOver === undefined ? cut : Effect.andThen(cut, reportOver))
      }),
    )

  /** The node of the place stores the item or refuses it: its answer, and the time until the answer or the end of waiting, in ms. */
  const store = (place: Place<Held>, index: number, item: Item, cas: bigint | undefined, now: number) => {
    const node = nodes[index]!
    node.puts++
    counts.sent++
    if (chances.lostPuts > 0 && generator.next() < chances.lostPuts) {
      return { answer: "none", after: lostDelay > 0 ? drawPutTimeoutMs() : 0 } as const
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
    const { salt, seq, cas, value, onStored } = request
    const { publicKey } = request.key
    const signature = crypto.sign(request.key, signable(salt, seq, encodeValue(value)))
    const target = targetOf(publicKey, salt)
    const before = table.at(target, reaches)
    const item = { ...makeItem(publicKey, salt, seq, value, signature), valid: true }
    const start = yield* Clock.currentTimeMillis
    const known = vicinities.at(before.name)
    if (known === undefined || known.until <= start || known.isCut) {
      counts.lookups++
      lookUp(target, start, nodes.length, onStored?.nodes)
    }
    // As on the wire, the put waits for a running lookup of that target, and the nearest nodes get the item before it ends.
    // A lookup that seems to end later than any lookup can is over: the clock was set back.
    const vicinity = vicinities.at(before.name)
    if (vicinity !== undefined) vicinity.isPutTo = true
    const untilOver = (vicinity?.overAt ?? start) - start
    const isRunning = untilOver > 0 && untilOver <= LONGEST_LOOKUP_MS
    const first = onStored?.nodes ?? nodes.length
    const untilNearest = vicinity === undefined ? 0 : Math.max(0, nearestAt(vicinity, first) - start)
    const counted = { asked: 0, stored: 0, rejected: 0, none: 0 }
    const schedule = new EventSchedule()
    const askPart = (begins: number, from: number, to: number): void =>
      schedule.add(begins, () => {
        // The network may have changed during the lookup.
        const place = table.at(target, reaches)
        const now = start + begins
        counted.asked = Math.max(counted.asked, place.nodes.length)
        for (const index of place.nodes.slice(from, to)) {
          const { answer, after } = store(place, index, item, cas, now)
          schedule.addLast(begins + after, () => {
            counted[answer]++
            if (answer === "stored" && counted.stored === onStored?.nodes) onStored.run()
          })
        }
        table.sweep((held) => held.expiresAt > now)
        return undefined
      })
    if (isRunning) {
      askPart(untilNearest, 0, first)
      askPart(untilOver, first, nodes.length)
    } else askPart(0, 0, nodes.length)
    yield* schedule.done
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
    lookups: counts.lookups,
    sourcesDoubted: 0,
    itemsInvalid: counts.invalid,
    itemsStored: 0,
    itemsDropped: 0,
    queriesServed: 0,
    queriesLimited: 0,
    answersLimited: 0,
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

/** The questions by the time at which they are sent, in order. (`Map.groupBy` needs Node 21.) */
const bySentTime = (questions: ReadonlyArray<Question>): ReadonlyMap<number, ReadonlyArray<Question>> => {
  const groups = new Map<number, Array<Question>>()
  for (const question of questions) {
    const group = groups.get(question.sentAt)
    if (group === undefined) groups.set(question.sentAt, [question])
    else group.push(question)
  }
  return groups
}
