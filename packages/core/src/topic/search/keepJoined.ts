/**
 * The search for a first neighbour, at the start and whenever the last one is gone. Records of this minute are read at once, and
 * unless they show somebody, those of the one before beside them; whoever they name is dialled the moment a record opens, a few
 * at a time. The first neighbour, whoever dialled whom, ends the search.
 *
 * Source: distributed-topic-tracker `src/gossip/topic/bootstrap.rs`, which reads one minute after the other, then dials one
 * peer after the other, and never searches again. What goes over the wire is the same.
 */

import { firstOf } from "@topic-tracker/common"
import { Clock, Effect, Fiber, Metric, type Scope } from "effect"
import { joinDuration } from "../../metrics/joinDuration.ts"
import type { Urgency } from "../../tracker/RateLimiter.ts"
import { inBackground, nameNeighbor, publishAndName, publishFirst } from "../firstRecord.ts"
import { type GossipRecord, ofMinute, recentMinutes, type Session } from "../Session.ts"
import {
  firstPoll,
  isEarly,
  type LookOutcome,
  minuteShows,
  minuteTurns,
  nextPoll,
  pollDelay,
  putAgainDelay,
} from "../schedules.ts"
import { forgetBefore, newSearch, readAndDial, type Search } from "./Search.ts"

/** A neighbour that stays less long (ms) does not make the next search begin afresh: no hot loop with a peer that hangs up. */
const STEADY_AFTER = 10_000

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
    const joinedAt = session.timers.now()
    yield* session.state.alone.await
    yield* session.account.tell({ _tag: "Alone" })
    if (session.timers.now() - joinedAt >= STEADY_AFTER) search = newSearch(session)
  }
})

const findNeighbor = Effect.fnUntraced(function* (search: Search) {
  const { session } = search
  const beganAt = session.timers.now()
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
  const millis = Math.round(session.timers.now() - beganAt)
  yield* session.account.tell({ _tag: "Joined", peer, through: search.dials.get(peer)?.through, millis })
  yield* Metric.update(joinDuration, millis)
  yield* inBackground(session, nameNeighbor(session))
})

/** Looks until there is a neighbour, which also ends the looks under way. */
const lookRepeatedly = Effect.fnUntraced(function* (search: Search) {
  const { lookNow, pace, state, timers } = search.session
  const { joined } = state
  lookNow.close()
  while (true) {
    const urgency = search.foundLast || isEarly(search.session, search.rhythm) ? "urgent" : "routine"
    // What opens the other signal, such as our own record, had its turn; what it shows is to be seen at once.
    yield* pace.turn(urgency, joined, lookNow)
    if (joined.isOpen) return
    if (lookNow.isOpen && search.session.isNew) beginAfresh(search)
    lookNow.close()
    if (search.looks === 0) yield* Effect.forkScoped(lookBack(search), { startImmediately: true })
    const outcome = yield* Effect.raceFirst(look(search, urgency), Effect.as(joined.await, undefined))
    if (outcome === undefined) return
    const wait = yield* pollDelay(search.session, search.rhythm, outcome)
    search.rhythm = nextPoll(search.session, search.rhythm, outcome)
    yield* firstOf(timers, [lookNow, joined], wait)
  }
}, Effect.scoped)

/** Something changed: nobody has to wait for a turn from before. */
const beginAfresh = (search: Search): void => {
  search.session.isNew = false
  search.rhythm = firstPoll
  for (const dial of search.dials.values()) {
    dial.count = 0
    dial.notBefore = Number.NEGATIVE_INFINITY
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
  const minutes = readsMinuteBefore(search, yield* Clock.currentTimeMillis) ? recentMinutes(latest) : [latest]
  const now = session.timers.now()
  const asksAll = search.foundLast || now - search.askedAllAt >= ALL_NODES_EVERY
  if (asksAll) search.askedAllAt = now
  const breadth = asksAll ? {} : { nodes: session.tuning.pollBreadth }
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
      yield* publishAndName(session, isSlotRead ? ofMinute(records, unixMinute) : undefined)
    })
    yield* inBackground(session, publish)
  } else yield* putAgain(search, records)
  search.foundLast = isFound
  return isFound ? "peers" : "nothing"
})

/**
 * Puts our record again when we can be reached elsewhere than it says, or when nobody who shows lets us in. Who put at the same moment may
 * have hidden it, and if they cannot be dialled they wait for it as we do for others'. Records that lead to a swarm are not to be hidden
 * by one that leads to us alone.
 */
const putAgain = Effect.fnUntraced(function* (search: Search, shown: ReadonlyArray<GossipRecord>) {
  const { session } = search
  const isAmongLoners = shown.every(({ content }) => content.activePeers.length === 0)
  if (!isAmongLoners || session.state.joined.isOpen) return
  if (!session.isElsewhere) {
    if (shown.length === 0) return
    const now = session.timers.now()
    if (search.putAgainAt === undefined) search.putAgainAt = now + (yield* putAgainDelay(0))
    if (now < search.putAgainAt) return
    search.putsAgain++
    search.putAgainAt = now + (yield* putAgainDelay(search.putsAgain))
  }
  yield* inBackground(session, publishAndName(session, ofMinute(shown, yield* session.records.unixMinute)))
})

/** ms into a search: time for two nodes that are near to meet, and little beside a walk where they are not. */
const LOOK_BACK_AFTER = 40

/** The minute before, as read for the first time: beside the first looks, and not at all when those have shown somebody to dial. */
const lookBack = Effect.fnUntraced(function* (search: Search) {
  const latest = yield* latestMinute(search)
  if (minuteShows(yield* Clock.currentTimeMillis)) yield* Effect.sleep(LOOK_BACK_AFTER)
  if (search.dials.size > 0 || latest === 0n) return
  yield* readAndDial(search, [latest - 1n], {})
})

/** Running topics show in the minutes before; a topic that begins now shows only in this one. */
const latestMinute = ({ looks, session }: Search): Effect.Effect<bigint> =>
  Effect.map(session.records.unixMinute, (unixMinute) =>
    looks === 0 && session.config.bootstrap.checkOlderRecordsFirstOnStartup && unixMinute > 0n
      ? unixMinute - 1n
      : unixMinute,
  )

/** The looks that find nothing read the minute before only so often: it hardly changes once it is over. */
const MINUTE_BEFORE_EVERY = 4
/** Of the looks that find nothing, one asks all nodes of the slot in so many ms; the others ask a few each. */
const ALL_NODES_EVERY = 20_000

const readsMinuteBefore = ({ foundLast, looks }: Search, now: number): boolean =>
  looks > 0 && (foundLast || looks % MINUTE_BEFORE_EVERY === 0 || minuteTurns(now))
