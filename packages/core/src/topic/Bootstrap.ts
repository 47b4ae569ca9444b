/**
 * The search for a first neighbour, at the start and whenever the last one is gone. Records of this minute are read at once, and
 * unless they show somebody, those of the one before beside them; whoever they name is dialled the moment a record opens, a few
 * at a time. The first neighbour, whoever dialled whom, ends the search.
 *
 * Source: distributed-topic-tracker `src/gossip/topic/bootstrap.rs`, which reads one minute after the other, then dials one
 * peer after the other, and never searches again. What goes over the wire is the same.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Clock, Duration, Effect, Fiber, type Scope, Semaphore } from "effect"
import { peersOf } from "./candidates.ts"
import type { Urgency } from "./Pace.ts"
import { type GossipRecord, learnAddress, publishRecord, recentMinutes, type Session } from "./Session.ts"
import { firstOf, Signal } from "./Signal.ts"
import {
  firstPoll,
  intoMinute,
  isEarly,
  type LookOutcome,
  minuteTurns,
  nextPoll,
  type PollRhythm,
  pollDelay,
} from "./schedules.ts"
import type { Evidence } from "./TopicActivity.ts"

/** From one dial to the next, in ms: time in which a peer that is there mostly answers, so that one dial is enough. */
const HEAD_START = 30
/** A peer that did not answer is dialled again after this many ms, doubled each time, up to a whole round of the reference. */
const REDIAL_AFTER = 200
/** A neighbour that stays less long (ms) does not make the next search begin afresh: no hot loop with a peer that hangs up. */
const STEADY_AFTER = 10_000

interface Dial {
  readonly through: Evidence
  count: number
  /** Clock times in ms. */
  began: number
  notBefore: number
}

/** What the search remembers from look to look. */
interface Search {
  readonly session: Session
  readonly dials: Map<EndpointId.EndpointId, Dial>
  /** Publishers told of in the account, by minute. */
  readonly seen: Map<bigint, Set<EndpointId.EndpointId>>
  looks: number
  /** Whether the last look found a record. */
  foundLast: boolean
  /** When a look last asked all nodes of a slot, in ms of the clock. */
  askedAllAt: number
  rhythm: PollRhythm
  /** Told who shows in a minute's slot as soon as the nodes nearest to it have answered, by the next look. */
  onShown: ((records: ReadonlyArray<GossipRecord>, minutes: ReadonlyArray<bigint>) => void) | undefined
}

const newSearch = (session: Session): Search => ({
  session,
  dials: new Map(),
  seen: new Map(),
  looks: 0,
  foundLast: false,
  askedAllAt: Number.NEGATIVE_INFINITY,
  rhythm: firstPoll,
  onShown: undefined,
})

/**
 * Finds a first neighbour, calls `onJoined` when there is the first ever, and searches again whenever the last is gone. Never
 * ends by itself. What fails while searching is told and tried again; only `onJoined` can fail it.
 */
export const keepJoined = Effect.fnUntraced(function* <E>(session: Session, onJoined: Effect.Effect<void, E>) {
  let search = newSearch(session)
  let joinedBefore = false
  while (true) {
    yield* findNeighbor(search)
    if (!joinedBefore) yield* onJoined
    joinedBefore = true
    const joinedAt = yield* Clock.currentTimeMillis
    yield* session.state.alone.await
    yield* session.account.tell({ _tag: "Alone" })
    if ((yield* Clock.currentTimeMillis) - joinedAt >= STEADY_AFTER) search = newSearch(session)
  }
})

const findNeighbor = Effect.fnUntraced(function* (search: Search) {
  const { session } = search
  const beganAt = yield* Clock.currentTimeMillis
  session.isNew = true
  yield* session.account.tell({ _tag: "BootstrapBegan" })
  if (
    session.config.bootstrap.publishRecordOnStartup &&
    session.publishedMinute !== (yield* session.records.unixMinute)
  ) {
    yield* publishFirst(search)
  }
  yield* lookRepeatedly(search)
  const [peer] = session.state.neighbors
  if (peer === undefined) return
  const millis = (yield* Clock.currentTimeMillis) - beganAt
  yield* session.account.tell({ _tag: "Joined", peer, through: search.dials.get(peer)?.through, millis })
  if (tellsOfNobody(session)) yield* inBackground(session, nameNeighbor(session))
})

/** Looks until there is a neighbour, which also ends the looks under way. */
const lookRepeatedly = Effect.fnUntraced(function* (search: Search) {
  const { config, lookNow, pace, state, timers } = search.session
  const { joined } = state
  lookNow.close()
  while (true) {
    const urgency = search.foundLast || isEarly(config.bootstrap, search.rhythm) ? "urgent" : "routine"
    // What opens the other signal, such as our own record, had its turn; what it shows is to be seen at once.
    yield* pace.turn(urgency, joined, lookNow)
    if (joined.isOpen) return
    if (lookNow.isOpen && search.session.isNew) beginAfresh(search)
    lookNow.close()
    if (search.looks === 0) yield* Effect.forkScoped(lookBack(search), { startImmediately: true })
    const outcome = yield* Effect.raceFirst(look(search, urgency), Effect.as(joined.await, undefined))
    if (outcome === undefined) return
    const wait = yield* pollDelay(config.bootstrap, search.rhythm, outcome)
    search.rhythm = nextPoll(config.bootstrap, search.rhythm, outcome)
    yield* firstOf(timers, [lookNow, joined], wait)
  }
}, Effect.scoped)

/** Something changed: nobody has to wait for a turn from before. */
const beginAfresh = (search: Search): void => {
  search.session.isNew = false
  search.rhythm = firstPoll
  for (const dial of search.dials.values()) {
    dial.count = 0
    dial.notBefore = 0
  }
}

const look = Effect.fnUntraced(function* (
  search: Search,
  urgency: Urgency,
): Effect.fn.Return<LookOutcome, never, Scope.Scope> {
  const { session } = search
  const { bootstrap } = session.config
  const unixMinute = yield* session.records.unixMinute
  const latest = yield* latestMinute(search)
  const now = yield* Clock.currentTimeMillis
  const minutes = readsMinuteBefore(search, now) ? recentMinutes(latest) : [latest]
  const asksAll = search.foundLast || now - search.askedAllAt >= ALL_NODES_EVERY
  if (asksAll) search.askedAllAt = now
  const breadth = asksAll ? {} : { nodes: bootstrap.pollBreadth }
  search.looks++
  session.account.counters.looks++
  forgetBefore(search, latest - 1n)
  const { dials, records } = yield* readAndDial(search, minutes, breadth, search.onShown)
  yield* Effect.forEach(dials, Fiber.join, { discard: true })
  const isFound = records.length > 0
  if (session.publishedMinute !== unixMinute) {
    // Whoever we just dialled may let us in yet; then there is no need.
    if (isFound) yield* Effect.sleep(bootstrap.joinConfirmationWaitTime)
    session.publishedMinute = unixMinute
    const publish = Effect.gen(function* () {
      yield* session.pace.turn(urgency)
      const isSlotRead = latest === unixMinute && (yield* session.records.unixMinute) === unixMinute
      const ofThisMinute = records.filter((record) => record.unixMinute === unixMinute)
      yield* publishAndName(session, isSlotRead ? ofThisMinute : undefined)
    })
    yield* inBackground(session, publish)
  }
  search.foundLast = isFound
  return isFound ? "peers" : "nothing"
})

/** ms into a search: time for two nodes that are near to meet, and little beside a walk where they are not. */
const LOOK_BACK_AFTER = 40
/** ms into a minute; from then on a running topic mostly shows in it. */
const MINUTE_SHOWS = 15_000

/** The minute before, as read for the first time: beside the first looks, and not at all when those have shown somebody to dial. */
const lookBack = Effect.fnUntraced(function* (search: Search) {
  const latest = yield* latestMinute(search)
  if (intoMinute(yield* Clock.currentTimeMillis) >= MINUTE_SHOWS) yield* Effect.sleep(LOOK_BACK_AFTER)
  if (search.dials.size > 0 || latest === 0n) return
  const { records } = yield* readAndDial(search, [latest - 1n], {})
  if (records.length > 0) search.foundLast = true
})

/** Running topics show in the minutes before; a topic that begins now shows only in this one. */
const latestMinute = ({ looks, session }: Search): Effect.Effect<bigint> =>
  Effect.map(session.records.unixMinute, (unixMinute) =>
    looks === 0 && session.config.bootstrap.checkOlderRecordsFirstOnStartup && unixMinute > 0n
      ? unixMinute - 1n
      : unixMinute,
  )

/**
 * Reads the records of these minutes. Whom they name is dialled the moment a record opens, in the current scope. With `onShown` it
 * is done when that has been told, and what is left of the reading goes on in the scope.
 */
const readAndDial = Effect.fnUntraced(function* (
  search: Search,
  minutes: ReadonlyArray<bigint>,
  breadth: { readonly nodes?: number },
  onShown?: Search["onShown"],
) {
  const { session } = search
  const { config } = session
  const scope = yield* Effect.scope
  const beganAt = yield* Clock.currentTimeMillis
  const slots = Semaphore.makeUnsafe(config.join.maxJoinPeerCount)
  const records: Array<GossipRecord> = []
  const dials: Array<Fiber.Fiber<void>> = []
  // Most looks find nothing, so that nothing but the reading is set up before there is a record.
  const onRecord = Effect.fnUntraced(function* (record: GossipRecord) {
    records.push(record)
    if (record.content.activePeers.length > 1) session.cameToSwarm = true
    yield* learnAddress(session, record)
    yield* tellOf(search, record, beganAt)
    for (const peer of candidatesOf(search, record)) {
      // At once: behind the answers of a whole walk it would wait for tens of ms.
      const turn = slots.withPermit(dial(search, peer))
      const inTurn = dials.length === 0 ? turn : Effect.delay(turn, HEAD_START * dials.length)
      dials.push(yield* Effect.forkIn(inTurn, scope, { startImmediately: true }))
    }
  })
  const isShown = new Signal(session.timers, false)
  const shown = () => {
    onShown?.(records, minutes)
    isShown.open()
  }
  const options = { ...breadth, whenHeard: onShown && { nodes: config.bootstrap.pollBreadth, run: shown } }
  const read = (minute: bigint) =>
    session.records.forEachRecord(minute, onRecord, options).pipe(
      Effect.catch((error) => session.account.failed("bootstrap", error)),
      Effect.catchDefect((defect) => session.account.failed("bootstrap", { message: String(defect) })),
    )
  const reading = Effect.forEach(minutes, read, { concurrency: minutes.length, discard: true })
  if (onShown === undefined) yield* reading
  else {
    yield* Effect.forkIn(Effect.andThen(reading, Effect.sync(shown)), scope, { startImmediately: true })
    yield* isShown.await
  }
  return { dials, records }
})

/** The looks that find nothing read the minute before only so often: it hardly changes once it is over. */
const MINUTE_BEFORE_EVERY = 4
/** Of the looks that find nothing, one asks all nodes of the slot in so many ms; the others ask a few each. */
const ALL_NODES_EVERY = 20_000

const readsMinuteBefore = ({ foundLast, looks }: Search, now: number): boolean =>
  looks > 0 && (foundLast || looks % MINUTE_BEFORE_EVERY === 0 || minuteTurns(now))

/**
 * The first record of a search, once its first look has heard the nearest nodes. Where others show already, it waits a moment for
 * the neighbour to name: it may take the place of records that lead to the whole swarm, and must not lead to us alone.
 */
const publishFirst = Effect.fnUntraced(function* (search: Search) {
  const { session } = search
  const { config, records, state, timers } = session
  const unixMinute = yield* records.unixMinute
  session.publishedMinute = unixMinute
  const isShown = new Signal(timers, false)
  let known: ReadonlyArray<GossipRecord> | undefined
  search.onShown = (records, minutes) => {
    search.onShown = undefined
    if (minutes.includes(unixMinute)) known = records.filter((record) => record.unixMinute === unixMinute)
    isShown.open()
  }
  const first = Effect.gen(function* () {
    // Who has a neighbour before that ends the look.
    yield* firstOf(timers, [isShown, state.joined])
    yield* session.pace.turn("urgent")
    if (known !== undefined && known.length > 0) {
      yield* firstOf(timers, [state.joined], Duration.toMillis(config.bootstrap.joinConfirmationWaitTime))
    }
    yield* publishAndName(session, (yield* records.unixMinute) === unixMinute ? known : undefined)
  })
  yield* inBackground(session, first)
})

const publishAndName = (session: Session, known?: ReadonlyArray<GossipRecord>) =>
  Effect.andThen(publishRecord(session, "bootstrap", known), nameNeighbor(session))

/** From the first neighbour to the record that names it, in ms: the neighbour's own join, half done, comes first. */
const NAMED_AFTER = 50

const nameNeighbor = Effect.fnUntraced(function* (session: Session) {
  if (!tellsOfNobody(session)) return
  yield* Effect.sleep(NAMED_AFTER)
  if (tellsOfNobody(session)) yield* publishRecord(session, "bootstrap", [])
})

/** A record is published whether or not the search ends meanwhile: it is how the next ones find us. */
const inBackground = <E extends { readonly message: string }>(session: Session, publish: Effect.Effect<unknown, E>) =>
  publish.pipe(
    Effect.onError(() =>
      Effect.sync(() => {
        session.publishedMinute = undefined
      }),
    ),
    session.account.forgive("bootstrap"),
    Effect.forkIn(session.scope),
  )

/**
 * Whether our record leads to us alone although we have neighbours by now. It may have taken the place of records that led to
 * the whole swarm; if we left, the topic would not be found until the next record. So it is put again at once.
 */
const tellsOfNobody = ({ config, publishedAlone, state }: Session): boolean =>
  config.publisher.enabled && publishedAlone && state.neighbors.size > 0

/** What belongs to minutes that are read no more: a search may go on for days. */
const forgetBefore = ({ seen, dials }: Search, oldest: bigint): void => {
  for (const unixMinute of seen.keys()) if (unixMinute < oldest) seen.delete(unixMinute)
  for (const [peer, { through }] of dials) if (through.unixMinute < oldest) dials.delete(peer)
}

const tellOf = Effect.fnUntraced(function* (search: Search, record: GossipRecord, beganAt: number) {
  const seen = search.seen.get(record.unixMinute) ?? new Set()
  if (seen.has(record.endpointId)) return
  search.seen.set(record.unixMinute, seen.add(record.endpointId))
  yield* search.session.account.tell({
    _tag: "RecordFound",
    publisher: record.endpointId,
    unixMinute: record.unixMinute,
    peers: record.content.activePeers.length,
    millis: (yield* Clock.currentTimeMillis) - beganAt,
  })
})

/** Everybody a record names, each noted with the record that first named it. */
const candidatesOf = (search: Search, record: GossipRecord): ReadonlyArray<EndpointId.EndpointId> => {
  const peers = peersOf(record, search.session.records.endpointId)
  const through = { publisher: record.endpointId, unixMinute: record.unixMinute }
  for (const peer of peers) {
    if (!search.dials.has(peer)) search.dials.set(peer, { through, count: 0, began: 0, notBefore: 0 })
  }
  return peers
}

/** Dials a peer unless it was dialled a moment ago, and gives it its head start before the next one. */
const dial = Effect.fnUntraced(function* (search: Search, peer: EndpointId.EndpointId) {
  const { session } = search
  const { bootstrap, timeouts } = session.config
  const dial = search.dials.get(peer)
  const now = yield* Clock.currentTimeMillis
  if (dial === undefined || now < dial.notBefore) return
  if (dial.count > 0) yield* session.account.tell({ _tag: "DialUnanswered", peer, millis: now - dial.began })
  const longest = Duration.sum(bootstrap.joinConfirmationWaitTime, bootstrap.discoveryPollInterval)
  dial.notBefore = now + Math.min(REDIAL_AFTER * 2 ** dial.count, Duration.toMillis(longest))
  dial.began = now
  dial.count++
  session.account.counters.dials++
  yield* session.account.tell({ _tag: "DialBegan", peer, through: dial.through })
  yield* session.gossip.join([peer]).pipe(Effect.timeout(timeouts.joinPeer), session.account.forgive("bootstrap"))
  yield* Effect.sleep(bootstrap.perPeerJoinSettleTime)
})
