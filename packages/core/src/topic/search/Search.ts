/**
 * The search of a session for a first neighbour. It looks up the records of this minute at once and, unless they name a peer, those
 * of the minute before. Every peer of a record is dialled the moment the record opens, a few at a time. The first neighbour ends the
 * search, whichever side dialled. The search remembers its peers and its rhythm until {@link Search.reset}.
 *
 * Source: distributed-topic-tracker 0.3.5 `src/gossip/topic/bootstrap.rs`, which reads one minute after another, then dials one
 * peer after another, and never searches again. The bytes on the wire are the same.
 */
import { firstOf, Signal } from "@topic-tracker/common"
import type { ClockBeforeEpoch, EndpointId } from "@topic-tracker/crypto"
import type { GetOptions } from "@topic-tracker/dht"
import { Clock, Duration, Effect, Fiber, Metric, Option, type Scope } from "effect"
import { joinDuration } from "../../metrics/TrackerMetrics.ts"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import type { Urgency } from "../../shared/RateLimiter.ts"
import { forEachRecord, recentMinutes, rememberRecord } from "../knowledge/recentRecords.ts"
import { hasMinuteJustBegun, hasMinuteRecords } from "../minutes.ts"
import type { OwnRecord } from "../OwnRecord.ts"
import { withBackgroundSpan } from "../observability.ts"
import type { SessionContext } from "../SessionContext.ts"
import type { RecordSource } from "../TopicActivity.ts"
import { aloneSummary } from "./aloneSummary.ts"
import { Dialer } from "./Dialer.ts"
import { NearestAnswer } from "./NearestAnswer.ts"
import { MAX_OFFSET, OtherMinutes } from "./OtherMinutes.ts"
import { FIRST_POLL, isEarly, type LookupOutcome, nextPoll, pollDelay } from "./polling.ts"

/** The wait from the start of a search to the lookup of the minute before: two nodes that are near may have met by then. */
const PREVIOUS_MINUTE_AFTER_MS = 40
/** One of this many lookups without records also reads the minute before, which hardly changes once it is over. */
const PREVIOUS_MINUTE_EVERY = 4
/** The time between two lookups without records that ask all nodes of the slot. The other lookups ask a few nodes each. */
const ALL_NODES_EVERY_MS = 20_000
/** The shortest wait between two dials of the peers of invitations. */
const MIN_REDIAL_MS = 50
/** A search without a neighbour for this time logs its attempts once. */
const LOG_ALONE_AFTER_MS = 20_000
/** A search without a neighbour for this time, which read records of which none opened, reports that once. */
const NOTHING_OPENS_AFTER_MS = 3_000

export class Search {
  readonly #session: SessionContext
  readonly #ownRecord: OwnRecord
  readonly #dialer: Dialer
  readonly #otherMinutes = new OtherMinutes()
  /** The records that were reported as found, by minute and publisher. */
  readonly #reported = new Map<bigint, Map<EndpointId.EndpointId, GossipRecord>>()
  #lookups = 0
  /** Whether the last lookup found a record. */
  #foundLast = false
  /** When a lookup last asked all nodes of a slot, in ms of the timers. */
  #askedAllAt = Number.NEGATIVE_INFINITY
  #rhythm = FIRST_POLL
  /** Whether the next lookup starts the rhythm and the dials from the beginning. */
  #isRestartWanted = false
  #hasFoundRecord = false
  #hasFoundSwarm = false
  #hasLoggedAlone = false

  constructor(session: SessionContext, ownRecord: OwnRecord) {
    this.#session = session
    this.#ownRecord = ownRecord
    this.#dialer = new Dialer(session)
  }

  /**
   * Whether a search of this session has found a record of a node with several neighbours: a swarm ran before this node came. A node
   * with one neighbour may have started together with this one.
   */
  get hasFoundSwarm(): boolean {
    return this.#hasFoundSwarm
  }

  /** Forgets all but {@link hasFoundSwarm}. */
  reset(): void {
    this.#dialer.clear()
    this.#reported.clear()
    this.#lookups = 0
    this.#foundLast = false
    this.#askedAllAt = Number.NEGATIVE_INFINITY
    this.#rhythm = FIRST_POLL
    this.#ownRecord.resetRepublishing()
  }

  /** Something changed, such as the network: a search that runs does a lookup at once, and starts its rhythm and its dials anew. */
  restart(): void {
    this.#isRestartWanted = true
    this.#session.lookupWanted.open()
  }

  /** Dials the peers of invitations, unless that was done a moment ago. */
  askInvited(): Effect.Effect<void> {
    return this.#dialer.askInvited()
  }

  /**
   * Searches until there is a neighbour. Failures are reported and tried again. `isCrowded`: the swarm has no place for this node, so a
   * record of ours that was stored is no reason to look up often again.
   */
  run(isCrowded = false): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { activity, config, records, swarm, timers } = this.#session
      const beganAt = timers.now()
      this.#isRestartWanted = !isCrowded
      yield* activity.report({ _tag: "BootstrapBegan" })
      this.#otherMinutes.begin(beganAt)
      yield* this.askInvited()
      // Without a valid time of day the lookups report that.
      const unixMinute = Option.getOrUndefined(yield* Effect.option(records.unixMinute))
      const over = new Signal(timers, false)
      let nearest: NearestAnswer | undefined
      if (
        config.bootstrap.publishRecordOnStartup &&
        unixMinute !== undefined &&
        !this.#ownRecord.isPublished(unixMinute)
      ) {
        nearest = new NearestAnswer(timers)
        const found = () => recentMinutes(unixMinute).flatMap((minute) => this.#reportedIn(minute))
        yield* this.#ownRecord.publishFirst(unixMinute, nearest, { found, over })
      }
      yield* this.#lookupRepeatedly(nearest)
      over.open()
      const [peer] = swarm.neighbors
      if (peer === undefined) return
      const millis = Math.round(timers.now() - beganAt)
      const source = this.#dialer.sourceOf(peer)
      yield* activity.report({ _tag: "Joined", peer, source, millis })
      if (source !== undefined) yield* this.#reportClock(source)
      yield* Metric.update(joinDuration, Duration.millis(millis))
      yield* this.#ownRecord.republishWithNeighbor(unixMinute === undefined ? [] : this.#reportedIn(unixMinute))
    })
  }

  /** One record of each publisher of the minute, as far as they were found. */
  #reportedIn(unixMinute: bigint): ReadonlyArray<GossipRecord> {
    return [...(this.#reported.get(unixMinute)?.values() ?? [])]
  }

  /** Does lookups until there is a neighbour, which also ends the lookups that run. */
  #lookupRepeatedly(nearest: NearestAnswer | undefined): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { activity, gossip, lookupWanted, rateLimiter, swarm, timers } = this.#session
      const { joined } = swarm
      let refusals = yield* gossip.refusals
      const beganAt = timers.now()
      let nearestOfNext = nearest
      lookupWanted.close()
      if (this.#session.invited.size > 0) yield* Effect.forkScoped(this.#askInvitedRepeatedly())
      while (true) {
        const urgency = this.#foundLast || isEarly(this.#session, this.#rhythm) ? "urgent" : "routine"
        // The signal bypasses the rate limit: the work that opened it, such as our put, had a permit.
        yield* rateLimiter.awaitPermit(urgency, joined, lookupWanted)
        if (joined.isOpen) return
        if (lookupWanted.isOpen && this.#isRestartWanted) this.#startRhythm()
        lookupWanted.close()
        yield* this.askInvited()
        if (this.#lookups === 0) yield* Effect.forkScoped(this.#lookupMinuteBefore(), { startImmediately: true })
        const lookup = this.#lookup(urgency, nearestOfNext).pipe(
          Effect.tap(() => this.#lookupOtherMinutes()),
          Effect.catch((error) => Effect.as(activity.reportFailure("bootstrap", error), "nothing" as const)),
        )
        nearestOfNext = undefined
        const found = yield* Effect.raceFirst(lookup, Effect.as(joined.await, undefined))
        if (found === undefined) return
        const refusalsNow = yield* gossip.refusals
        const outcome = found === "peers" && refusalsNow > refusals ? "refused" : found
        if (outcome === "refused") this.#isRestartWanted = false
        refusals = refusalsNow
        if (!this.#hasFoundRecord && timers.now() - beganAt >= NOTHING_OPENS_AFTER_MS) yield* this.#reportNothingOpens()
        if (!this.#hasLoggedAlone && timers.now() - beganAt >= LOG_ALONE_AFTER_MS) yield* this.#logAlone()
        const wait = yield* pollDelay(this.#session, this.#rhythm, outcome)
        this.#rhythm = nextPoll(this.#session, this.#rhythm, outcome)
        yield* firstOf(timers, [lookupWanted, joined], wait)
      }
    }).pipe(Effect.scoped)
  }

  /** A dial takes no lookup, so it does not wait for one: the DHT may be out of reach. */
  #askInvitedRepeatedly(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { swarm, timers } = this.#session
      while (!swarm.joined.isOpen) {
        const dueAt = this.#dialer.invitedDueAt
        if (dueAt === undefined) return
        yield* firstOf(timers, [swarm.joined], Math.max(MIN_REDIAL_MS, dueAt - timers.now()))
        if (!swarm.joined.isOpen) yield* this.askInvited()
      }
    })
  }

  #reportNothingOpens(): Effect.Effect<void> {
    const { activity, closedDoors, records } = this.#session
    return Effect.flatMap(records.stats, ({ contentInvalid, unopened }) =>
      (unopened > 0 && contentInvalid === 0) || closedDoors() > 0
        ? activity.reportNothingOpens(unopened, closedDoors())
        : Effect.void,
    )
  }

  /** One line, once in a session, for the user of a program that finds no peer. */
  #logAlone(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#hasLoggedAlone = true
      const { activity, dhtStats, records } = this.#session
      const { nodes } = yield* dhtStats
      const summary = aloneSummary({ ...activity.counters, ...(yield* records.stats), dhtNodes: nodes })
      yield* activity.logOnce(`no peer after ${LOG_ALONE_AFTER_MS / 1000} s: ${summary}`)
    })
  }

  #startRhythm(): void {
    this.#isRestartWanted = false
    this.#rhythm = FIRST_POLL
    this.#dialer.allowRedials()
  }

  /** One lookup, the dials that follow from it, and the record of a minute that has none of ours yet. */
  #lookup(urgency: Urgency, nearest: NearestAnswer | undefined) {
    return Effect.gen({ self: this }, function* () {
      const { activity, config, records, timers, tuning } = this.#session
      const unixMinute = yield* records.unixMinute
      const latest = yield* this.#latestMinute()
      const minutes = this.#readsMinuteBefore(yield* Clock.currentTimeMillis) ? recentMinutes(latest) : [latest]
      const now = timers.now()
      const asksAll = this.#foundLast || now - this.#askedAllAt >= ALL_NODES_EVERY_MS
      if (asksAll) this.#askedAllAt = now
      const breadth = asksAll ? {} : { nodes: tuning.pollBreadth }
      this.#lookups++
      activity.counters.lookups++
      this.#forgetBefore(latest - MAX_OFFSET - 1n)
      const { dials, found } = yield* this.#readAndDial(minutes, breadth, nearest)
      yield* Effect.forEach(dials, Fiber.join, { discard: true })
      const isFound = found.length > 0
      if (this.#ownRecord.isPublished(unixMinute)) yield* this.#ownRecord.republishIfNeeded(unixMinute, found)
      else {
        // A peer that was just dialled may still become a neighbour. Then the record can wait.
        if (isFound) yield* Effect.sleep(config.bootstrap.joinConfirmationWaitTime)
        yield* this.#ownRecord.publishDuringSearch(unixMinute, urgency, latest === unixMinute ? found : undefined)
      }
      this.#foundLast = isFound
      const outcome: LookupOutcome = isFound ? "peers" : "nothing"
      return outcome
    }).pipe(withBackgroundSpan("Topic.lookup", this.#session.records.topic))
  }

  /** The first lookup of the minute before: at the same time as the first lookups, and not at all if those have found a peer. */
  #lookupMinuteBefore(): Effect.Effect<void, never, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const latest = yield* this.#latestMinute()
      if (hasMinuteRecords(yield* Clock.currentTimeMillis)) yield* Effect.sleep(PREVIOUS_MINUTE_AFTER_MS)
      if (this.#dialer.hasPeers || latest === 0n) return
      yield* this.#readAndDial([latest - 1n], {})
    }).pipe(Effect.ignore)
  }

  /** Reads the nodes nearest to the slots of other minutes, if a turn is due: a clock may be wrong. */
  #lookupOtherMinutes() {
    return Effect.gen({ self: this }, function* () {
      const { activity, rateLimiter, records, timers } = this.#session
      const minutes = this.#otherMinutes.takeDue(timers.now(), yield* records.unixMinute)
      if (minutes.length === 0) return
      yield* rateLimiter.awaitPermit("routine")
      activity.counters.lookups++
      // One after the other, the newest first.
      for (const minute of minutes) {
        yield* this.#readAndDial([minute], {}, new NearestAnswer(timers)).pipe(
          Effect.flatMap(({ dials }) => Effect.forEach(dials, Fiber.join, { discard: true })),
          // The lookup of the nodes that are farther away ends here.
          Effect.scoped,
        )
      }
    })
  }

  /** Warns, once in a session, that the record that led to the first neighbour is of another time. */
  #reportClock({ unixMinute }: RecordSource): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { activity, records } = this.#session
      const minutes = this.#otherMinutes.joinedThrough(unixMinute, yield* records.unixMinute)
      if (minutes !== undefined) yield* activity.reportClockOff(minutes)
    }).pipe(Effect.ignore)
  }

  /**
   * Reads the records of these minutes and dials their peers the moment a record opens, in the current scope. With `nearest` it returns
   * as soon as the nearest nodes have answered; the rest of the reading goes on in the scope.
   */
  #readAndDial(minutes: ReadonlyArray<bigint>, breadth: { readonly nodes?: number }, nearest?: NearestAnswer) {
    return Effect.gen({ self: this }, function* () {
      const session = this.#session
      const { activity, timers, tuning } = session
      const scope = yield* Effect.scope
      const beganAt = timers.now()
      const found: Array<GossipRecord> = []
      const dials: Array<Fiber.Fiber<void>> = []
      const dial = this.#dialer.inScope(scope)
      const onRecord = Effect.fnUntraced({ self: this }, function* (record: GossipRecord) {
        found.push(record)
        this.#hasFoundRecord = true
        if (record.content.activePeers.length > 1) this.#hasFoundSwarm = true
        yield* rememberRecord(session, record)
        yield* this.#reportFound(record, beganAt)
        dials.push(...(yield* dial(record)))
      })
      const read = Effect.fnUntraced({ self: this }, function* (options: GetOptions) {
        const readMinute = (minute: bigint) =>
          forEachRecord(session, minute, onRecord, options).pipe(activity.ignoreFailure("bootstrap"))
        yield* Effect.forEach(minutes, readMinute, { concurrency: minutes.length, discard: true })
        if (found.length > 0) this.#foundLast = true
      })
      if (nearest === undefined) yield* read(breadth)
      else {
        const canReturn = new Signal(timers, false)
        const answer = () => {
          nearest.give(found, minutes)
          canReturn.open()
        }
        const reading = read({ ...breadth, onNearest: { nodes: tuning.pollBreadth, run: answer } })
        yield* Effect.forkIn(Effect.andThen(reading, Effect.sync(answer)), scope, { startImmediately: true })
        yield* canReturn.await
      }
      return { dials, found }
    })
  }

  /** Reports a record unless its publisher was reported for the same minute. */
  #reportFound(record: GossipRecord, beganAt: number): Effect.Effect<void> {
    const { activity, timers } = this.#session
    const reported = this.#reported.get(record.unixMinute) ?? new Map<EndpointId.EndpointId, GossipRecord>()
    if (reported.has(record.endpointId)) return Effect.void
    this.#reported.set(record.unixMinute, reported.set(record.endpointId, record))
    return activity.report({
      _tag: "RecordFound",
      publisher: record.endpointId,
      unixMinute: record.unixMinute,
      peers: record.content.activePeers.length,
      millis: Math.round(timers.now() - beganAt),
    })
  }

  /** Forgets everything about minutes that are no longer read: a search may take days. */
  #forgetBefore(unixMinute: bigint): void {
    for (const minute of this.#reported.keys()) if (minute < unixMinute) this.#reported.delete(minute)
    this.#dialer.forgetBefore(unixMinute)
  }

  /** The last minute that a lookup reads. A running topic has records in the minutes before, a topic that starts now only in this one. */
  #latestMinute(): Effect.Effect<bigint, ClockBeforeEpoch> {
    const { config, records } = this.#session
    return Effect.map(records.unixMinute, (unixMinute) =>
      this.#lookups === 0 && config.bootstrap.checkOlderRecordsFirstOnStartup && unixMinute > 0n
        ? unixMinute - 1n
        : unixMinute,
    )
  }

  #readsMinuteBefore(now: number): boolean {
    if (this.#lookups === 0) return false
    return this.#foundLast || this.#lookups % PREVIOUS_MINUTE_EVERY === 0 || hasMinuteJustBegun(now)
  }
}
