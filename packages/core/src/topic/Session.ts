/**
 * What the parts of one running topic share: the services they call, what is known, and the account they keep. A session lasts
 * from join (or resume) to leave (or suspend); everything that runs in it is forked into its scope.
 */

import type { Signal, Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { EndpointAddress, Gossip, GossipTopic } from "@topic-tracker/gossip"
import { Effect, Random, type Scope } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { Tuning } from "../config/Tuning.ts"
import type { RecordPublisher, TopicRecord } from "../records/RecordPublisher.ts"
import type { TopicRecordContent } from "../records/TopicRecordContent.ts"
import type { FailureLog } from "../tracker/FailureLog.ts"
import type { Pace } from "../tracker/RateLimiter.ts"
import type { EventHub } from "./EventHub.ts"
import type { Thinning } from "./joined/TrickleTimer.ts"
import type { TopicState } from "./knowledge/SwarmView.ts"
import type { TopicStats } from "./Topic.ts"
import type { Actor, Doing, TopicActivity } from "./TopicActivity.ts"

export type GossipRecord = TopicRecord<TopicRecordContent>

export interface Session {
  readonly config: TopicConfig
  readonly tuning: Tuning
  readonly gossip: GossipTopic
  readonly records: RecordPublisher<TopicRecordContent>
  readonly state: TopicState
  readonly account: Account
  readonly scope: Scope.Scope
  readonly timers: Timers
  readonly pace: Pace
  /** Succeeds when the secret rotation gives a key for the current minute. */
  readonly checkKeys: Effect.Effect<unknown>
  /** Where we can be reached, as far as we know now and tell others. */
  readonly ownAddress: Effect.Effect<EndpointAddress>
  /** Takes note of where a peer can be reached. */
  readonly learnAddress: Gossip["Service"]["learnAddress"]
  /** Opened to make the search for a neighbour look again now instead of at its next time. */
  readonly lookNow: Signal
  /** Whether that is because things are another than before (the network changed, we begin to show): then it begins afresh. */
  isNew: boolean
  /** Whether we can be reached elsewhere than our last record says. */
  isElsewhere: boolean
  /**
   * Whether a search has found a record of a node with several neighbours: there was a swarm to come to. One neighbour only may be
   * one that began with us.
   */
  cameToSwarm: boolean
  /** How many turns of the workers are taken while all is well. */
  readonly thinning: Thinning
  /** The minute of the last record we published or are publishing. */
  publishedMinute: bigint | undefined
  /** Whether that record names no neighbour: it was made before there was one. */
  publishedAlone: boolean
}

/** The network under us is another: the search for a neighbour, if there is one, begins afresh now. */
export const lookAfresh = (session: Session): void => {
  session.isNew = true
  session.lookNow.open()
}

type Counter = Exclude<keyof TopicStats, "messagesReceived">

/** Keeps the account and the counters of a topic, over all of its sessions. */
export class Account {
  readonly counters: Record<Counter, number> = {
    looks: 0,
    turnsSkipped: 0,
    recordsPublished: 0,
    recordsSkipped: 0,
    recordsRefused: 0,
    dials: 0,
    merges: 0,
    failures: 0,
  }
  readonly #hub: EventHub<TopicActivity>
  readonly #timers: Timers
  readonly #openedAt: number
  readonly #failureLog: FailureLog

  constructor(hub: EventHub<TopicActivity>, timers: Timers, failureLog: FailureLog) {
    this.#hub = hub
    this.#timers = timers
    this.#failureLog = failureLog
    this.#openedAt = timers.now()
  }

  tell(doing: Doing): Effect.Effect<void> {
    return Effect.suspend(() => {
      const at = Math.round(this.#timers.now() - this.#openedAt)
      return this.#hub.publish([{ at, ...doing }])
    })
  }

  /** Lets an effect fail without harm: whatever its error or defect, it is told, and done. */
  forgive(by: Actor) {
    return <E extends { readonly message: string }, R>(
      effect: Effect.Effect<unknown, E, R>,
    ): Effect.Effect<void, never, R> =>
      Effect.asVoid(effect).pipe(
        Effect.catch((error) => this.failed(by, error)),
        Effect.catchDefect((defect) => this.failed(by, { message: String(defect) })),
      )
  }

  /** Counts and tells a failure that does not end anything; logs it as a warning where it is news, and for debugging else. */
  failed(by: Actor, { message }: { readonly message: string }): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.counters.failures++
      const text = `topic ${by} failed and will try again: ${message}`
      const log = this.#failureLog.isNews(text) ? Effect.logWarning(text) : Effect.logDebug(text)
      return Effect.andThen(log, this.tell({ _tag: "Failed", by, message }))
    })
  }
}

/**
 * Publishes what we know as this minute's record; `known` are records of the minute just read. When the first nodes have it, and
 * again when all do, a search that is under way looks again: whoever put a record at the same moment shows only now.
 */
export const publishRecord = Effect.fnUntraced(function* (
  session: Session,
  by: Actor,
  known?: ReadonlyArray<GossipRecord>,
) {
  const { records, state, account, pace, timers } = session
  const unixMinute = yield* records.unixMinute
  const began = timers.now()
  session.publishedMinute = unixMinute
  session.publishedAlone = false
  session.isElsewhere = false
  const content = { ...state.recordContent(), address: yield* session.ownAddress }
  const record = yield* records.newRecord(unixMinute, content)
  // As many nodes as the looks ask that follow: they may show by now who puts a record in the same moment.
  const onStored = {
    nodes: session.tuning.pollBreadth,
    run: () => {
      if (pace.isFree("urgent")) session.lookNow.open()
    },
  }
  const outcome = yield* records
    .publish(record, { known, onStored })
    .pipe(Effect.catchIf(isRefused, () => Effect.succeed(refused)))
  if (outcome._tag === "Refused") {
    account.counters.recordsRefused++
    yield* account.tell({ _tag: "RecordRefused", by, unixMinute })
    return session.lookNow.open()
  }
  if (outcome._tag === "Skipped") {
    account.counters.recordsSkipped++
    return yield* account.tell({ _tag: "RecordSkipped", by, unixMinute, shown: outcome.records.length })
  }
  account.counters.recordsPublished++
  session.publishedAlone = content.activePeers.length === 0
  const millis = Math.round(timers.now() - began)
  yield* account.tell({ _tag: "RecordPublished", by, unixMinute, stored: outcome.receipt.stored, millis })
  session.lookNow.open()
})

const refused = { _tag: "Refused" } as const

/** Every node keeps the first record of the minute, and that is another's. */
const isRefused = (error: { readonly _tag: string; readonly reason?: unknown }): boolean =>
  error._tag === "DhtError" && error.reason === "Rejected"

/** The minute and the one before it: those in which a node of the topic shows now. */
export const recentMinutes = (latest: bigint): ReadonlyArray<bigint> => (latest > 0n ? [latest - 1n, latest] : [latest])

/** Those of the records that are of this minute. */
export const ofMinute = (records: ReadonlyArray<GossipRecord>, unixMinute: bigint): ReadonlyArray<GossipRecord> =>
  records.filter((record) => record.unixMinute === unixMinute)

/** Reads a record of every node that shows in this minute and, with `span` 2, the one before. */
export const recentRecords = Effect.fnUntraced(function* (session: Session, span: 1 | 2 = 2) {
  const { records, account, pace } = session
  yield* pace.turn("routine")
  account.counters.looks++
  const minutes = recentMinutes(yield* records.unixMinute).slice(-span)
  return (yield* Effect.forEach(minutes, (minute) => readSlot(session, minute), { concurrency: 2 })).flat()
})

/** Reads a record of every node that shows in the minute, and takes note of where they can be reached. */
const readSlot = (session: Session, unixMinute: bigint) =>
  Effect.tap(session.records.recordsArray(unixMinute), (shown) =>
    Effect.forEach(shown, (record) => takeNote(session, record), { discard: true }),
  )

/**
 * Takes note of who the record's node's neighbours are, and of where it can be reached, if it says so: whoever dials it needs no
 * walk.
 */
export const takeNote = Effect.fnUntraced(function* ({ learnAddress, records, state }: Session, record: GossipRecord) {
  if (record.unixMinute === (yield* records.unixMinute)) state.links.named(record)
  if (record.content.address !== undefined) yield* learnAddress(record.endpointId, record.content.address)
})

/** Whether this node's place in the swarm gives no reason to look at the DHT. */
export const isWell = ({ config, state }: Session): boolean => state.neighbors.size >= config.bubbleMerge.minNeighbors

/** Whether to take a turn: always while something may be wrong, now and then while all is well. */
export const takesTurn = Effect.fnUntraced(function* (session: Session) {
  if (!isWell(session)) session.thinning.reset()
  const takes = yield* session.thinning.takesTurn
  if (!takes) session.account.counters.turnsSkipped++
  return takes
})

/**
 * Asks peers, chosen at random when there are more than `max`, to be our neighbours; with few neighbours, to let us in as they do
 * newcomers. Gives those asked.
 */
export const askPeers = Effect.fnUntraced(function* (
  session: Session,
  by: Actor,
  peers: ReadonlyArray<EndpointId.EndpointId>,
  max: number,
) {
  if (peers.length > 0) session.account.counters.merges++
  const told = (chosen: ReadonlyArray<EndpointId.EndpointId>): Doing => ({ _tag: "Merging", by, peers: chosen })
  return yield* askSome(session, isWell(session) ? "connect" : "join", peers, max, told)
})

/** Asks as many of the peers, chosen at random, for a link each (`connect`) or to let us in (`join`). Gives those asked. */
export const askSome = Effect.fnUntraced(function* (
  { account, config, gossip }: Session,
  way: "connect" | "join",
  peers: ReadonlyArray<EndpointId.EndpointId>,
  max: number,
  told: (chosen: ReadonlyArray<EndpointId.EndpointId>) => Doing,
) {
  if (peers.length === 0) return []
  const chosen = (yield* Random.shuffle(peers)).slice(0, max)
  yield* account.tell(told(chosen))
  yield* gossip[way](chosen).pipe(Effect.timeout(config.timeouts.joinPeer))
  return chosen
})
