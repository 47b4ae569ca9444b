/**
 * One search for a neighbour: what it remembers from look to look, and the reading and dialling of which its looks are made.
 */

import { Signal } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { GetOptions } from "@topic-tracker/dht"
import { Duration, Effect, type Fiber, Semaphore } from "effect"
import { peersOf } from "../knowledge/candidates.ts"
import { type GossipRecord, type Session, takeNote } from "../Session.ts"
import { firstPoll, type PollRhythm } from "../schedules.ts"
import type { Evidence } from "../TopicActivity.ts"

/** From one dial to the next, in ms: time in which a peer that is there mostly answers, so that one dial is enough. */
const HEAD_START = 30
/** A peer that did not answer is dialled again after this many ms, doubled each time, up to a whole round of the reference. */
const REDIAL_AFTER = 200

interface Dial {
  readonly through: Evidence
  count: number
  /** In ms of the session's timers, as all times here: the time of day may be set back by hours. */
  began: number
  notBefore: number
}

/** What the search remembers from look to look. */
export interface Search {
  readonly session: Session
  readonly dials: Map<EndpointId.EndpointId, Dial>
  /** Publishers told of in the account, by minute. */
  readonly seen: Map<bigint, Set<EndpointId.EndpointId>>
  looks: number
  /** Whether the last look found a record. */
  foundLast: boolean
  /** When our record is put again if others still show and none has let us in, in ms of the timers; undefined before any did. */
  putAgainAt: number | undefined
  /** How often it was, in this search. */
  putsAgain: number
  /** When a look last asked all nodes of a slot, in ms of the timers. */
  askedAllAt: number
  rhythm: PollRhythm
  /** Told who shows in a minute's slot as soon as the nodes nearest to it have answered, by the next look. */
  onShown: ((records: ReadonlyArray<GossipRecord>, minutes: ReadonlyArray<bigint>) => void) | undefined
}

export const newSearch = (session: Session): Search => ({
  session,
  dials: new Map(),
  seen: new Map(),
  looks: 0,
  foundLast: false,
  putAgainAt: undefined,
  putsAgain: 0,
  askedAllAt: Number.NEGATIVE_INFINITY,
  rhythm: firstPoll,
  onShown: undefined,
})

/**
 * Reads the records of these minutes. Whom they name is dialled the moment a record opens, in the current scope. With `onShown` it
 * is done when that has been told, and what is left of the reading goes on in the scope.
 */
export const readAndDial = Effect.fnUntraced(function* (
  search: Search,
  minutes: ReadonlyArray<bigint>,
  breadth: { readonly nodes?: number },
  onShown?: Search["onShown"],
) {
  const { session } = search
  const { config } = session
  const scope = yield* Effect.scope
  const beganAt = session.timers.now()
  const slots = Semaphore.makeUnsafe(config.join.maxJoinPeerCount)
  const records: Array<GossipRecord> = []
  const dials: Array<Fiber.Fiber<void>> = []
  // Most looks find nothing, so that nothing but the reading is set up before there is a record.
  const onRecord = Effect.fnUntraced(function* (record: GossipRecord) {
    records.push(record)
    if (record.content.activePeers.length > 1) session.cameToSwarm = true
    yield* takeNote(session, record)
    yield* tellOf(search, record, beganAt)
    for (const peer of candidatesOf(search, record)) {
      // At once: behind the answers of a whole walk it would wait for tens of ms.
      const turn = slots.withPermit(dial(search, peer))
      const inTurn = dials.length === 0 ? turn : Effect.delay(turn, HEAD_START * dials.length)
      dials.push(yield* Effect.forkIn(inTurn, scope, { startImmediately: true }))
    }
  })
  const read = Effect.fnUntraced(function* (options: GetOptions) {
    const readMinute = (minute: bigint) =>
      session.records.forEachRecord(minute, onRecord, options).pipe(
        Effect.catch((error) => session.account.failed("bootstrap", error)),
        Effect.catchDefect((defect) => session.account.failed("bootstrap", { message: String(defect) })),
      )
    yield* Effect.forEach(minutes, readMinute, { concurrency: minutes.length, discard: true })
    if (records.length > 0) search.foundLast = true
  })
  if (onShown === undefined) yield* read(breadth)
  else {
    const isShown = new Signal(session.timers, false)
    const shown = () => {
      onShown(records, minutes)
      isShown.open()
    }
    const reading = read({ ...breadth, onNearest: { nodes: session.tuning.pollBreadth, run: shown } })
    yield* Effect.forkIn(Effect.andThen(reading, Effect.sync(shown)), scope, { startImmediately: true })
    yield* isShown.await
  }
  return { dials, records }
})

/** What belongs to minutes that are read no more: a search may go on for days. */
export const forgetBefore = ({ seen, dials }: Search, oldest: bigint): void => {
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
    millis: Math.round(search.session.timers.now() - beganAt),
  })
})

/** Everybody a record names, each noted with the record that first named it. */
const candidatesOf = (search: Search, record: GossipRecord): ReadonlyArray<EndpointId.EndpointId> => {
  const peers = peersOf(record, search.session.records.endpointId)
  const through = { publisher: record.endpointId, unixMinute: record.unixMinute }
  for (const peer of peers) {
    if (!search.dials.has(peer))
      search.dials.set(peer, { through, count: 0, began: 0, notBefore: Number.NEGATIVE_INFINITY })
  }
  return peers
}

/** Dials a peer unless it was dialled a moment ago, and gives it its head start before the next one. */
const dial = Effect.fnUntraced(function* (search: Search, peer: EndpointId.EndpointId) {
  const { session } = search
  const { bootstrap, timeouts } = session.config
  const dial = search.dials.get(peer)
  const now = session.timers.now()
  if (dial === undefined || now < dial.notBefore) return
  if (dial.count > 0)
    yield* session.account.tell({ _tag: "DialUnanswered", peer, millis: Math.round(now - dial.began) })
  const longest = Duration.sum(bootstrap.joinConfirmationWaitTime, bootstrap.discoveryPollInterval)
  dial.notBefore = now + Math.min(REDIAL_AFTER * 2 ** dial.count, Duration.toMillis(longest))
  dial.began = now
  dial.count++
  session.account.counters.dials++
  yield* session.account.tell({ _tag: "DialBegan", peer, through: dial.through })
  yield* session.gossip.join([peer]).pipe(Effect.timeout(timeouts.joinPeer), session.account.forgive("bootstrap"))
  yield* Effect.sleep(bootstrap.perPeerJoinSettleTime)
})
