/**
 * The record of this node in a session: when it was published, what it lacks, and when it is published again. The only owner of that
 * state. It knows nothing of lookups and dials, except that it asks for a lookup once the record is stored.
 *
 * A slot of the DHT mostly returns one record, the last or the first that was put. So a record of ours can hide another one, and
 * another one can hide ours. The rules here follow from that.
 */
import { type Awaitable, firstOf } from "@topic-tracker/common"
import type { ClockBeforeEpoch } from "@topic-tracker/crypto"
import { Duration, Effect } from "effect"
import type { GossipRecord } from "../records/TopicRecordContent.ts"
import type { Urgency } from "../shared/RateLimiter.ts"
import { backoffDelay } from "./delays.ts"
import { DEAD_END_AFTER_MS } from "./knowledge/AskedPeers.ts"
import { recordsOfMinute } from "./knowledge/recentRecords.ts"
import { withBackgroundSpan } from "./observability.ts"
import type { SessionContext } from "./SessionContext.ts"
import type { NearestAnswer } from "./search/NearestAnswer.ts"
import type { Actor } from "./TopicActivity.ts"

/** The wait from the first neighbour to the record that names it, so that the neighbour can complete its own join first. */
const NAME_NEIGHBOR_AFTER_MS = 50
/** The first and the longest wait until a record that may be hidden is published again. */
const FIRST_REPUBLISH = Duration.seconds(4)
const MAX_REPUBLISH = Duration.seconds(16)
/** After this time in ms, records whose peers do not answer no longer count as leading to a swarm, which our record could hide. */
const NO_SWARM_AFTER_MS = 60_000

export class OwnRecord {
  readonly #session: SessionContext
  /** The minute of the last record that was or is being published; undefined also after a failure. */
  #publishedMinute: bigint | undefined
  /** Whether that record names no neighbour. */
  #publishedWithoutNeighbors = false
  /** Whether our addresses are no longer those of the last record. */
  #hasNewAddresses = false
  /** The time at which a record that may be hidden is published again, in ms of the timers; undefined before others were found. */
  #republishAt: number | undefined
  #republishCount = 0
  /** The minute of the last record that was or is being put into the second slot. */
  #secondMinute: bigint | undefined

  constructor(session: SessionContext) {
    this.#session = session
  }

  /** Whether the record of the minute was published, or is being published. */
  isPublished(unixMinute: bigint): boolean {
    return this.#publishedMinute === unixMinute
  }

  /** Our addresses changed: the next lookup of a search publishes the record again. */
  addressChanged(): void {
    this.#hasNewAddresses = true
  }

  /** A search starts anew: {@link republishIfHidden} waits from the beginning. */
  resetRepublishing(): void {
    this.#republishAt = undefined
    this.#republishCount = 0
  }

  /**
   * Publishes the first record of a search, in the background, once the nodes nearest to the slot have answered. If other nodes have
   * records there, it waits a moment for a neighbour to name: it may hide records that lead to the whole swarm.
   */
  publishFirst(
    unixMinute: bigint,
    nearest: NearestAnswer,
    search: { readonly found: () => ReadonlyArray<GossipRecord>; readonly over: Awaitable },
  ): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      const { config, rateLimiter, records, swarm, timers } = this.#session
      this.#publishedMinute = unixMinute
      return this.#inBackground(
        Effect.gen({ self: this }, function* () {
          // A neighbour ends the lookup before it has an answer.
          yield* firstOf(timers, [nearest.answered, swarm.joined])
          yield* rateLimiter.awaitPermit("urgent")
          const known = nearest.recordsOf(unixMinute)
          if (known !== undefined && known.length > 0) {
            yield* firstOf(timers, [swarm.joined], Duration.toMillis(config.bootstrap.joinConfirmationWaitTime))
          }
          if (swarm.joined.isOpen) {
            // Its last lookup shows how busy the slot is.
            yield* firstOf(timers, [search.over, swarm.alone])
            if (swarm.joined.isOpen && this.#canLeaveToPublisher(search.found())) {
              this.#publishedMinute = undefined
              return
            }
          }
          yield* this.#publishAndNameNeighbor((yield* records.unixMinute) === unixMinute ? known : undefined)
        }),
      )
    })
  }

  /** Whether the slot is busy and one of the records, of this minute or the one before, is of a node with neighbours. */
  #canLeaveToPublisher(found: ReadonlyArray<GossipRecord>): boolean {
    const { config, slotLoad } = this.#session
    if (!config.publisher.enabled || !slotLoad.isBusy) return false
    return found.some(({ content, slot }) => slot === undefined && content.activePeers.length > 0)
  }

  /**
   * Publishes the record of a minute that began during a search, in the background. `found`: the records of the lookup that just
   * ended; undefined if it did not read the minute.
   */
  publishDuringSearch(
    unixMinute: bigint,
    urgency: Urgency,
    found: ReadonlyArray<GossipRecord> | undefined,
  ): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      const { rateLimiter, records } = this.#session
      this.#publishedMinute = unixMinute
      return this.#inBackground(
        Effect.gen({ self: this }, function* () {
          yield* rateLimiter.awaitPermit(urgency)
          const isCurrent = (yield* records.unixMinute) === unixMinute
          yield* this.#publishAndNameNeighbor(
            found !== undefined && isCurrent ? recordsOfMinute(found, unixMinute) : undefined,
          )
        }),
      )
    })
  }

  /** Publishes the record of the minute again, in the background, if another one may hide it, or if it is missing in the second slot. */
  republishIfNeeded(unixMinute: bigint, found: ReadonlyArray<GossipRecord>): Effect.Effect<unknown, ClockBeforeEpoch> {
    return Effect.flatMap(this.#session.records.lacksSecondRecord(unixMinute), (lacksSecond) => {
      if (!lacksSecond || this.#secondMinute === unixMinute) return this.#republishIfHidden(found)
      this.#secondMinute = unixMinute
      return this.#inBackground(this.#publishAndNameNeighbor(recordsOfMinute(found, unixMinute)))
    })
  }

  /**
   * Publishes the record again, in the background, if our addresses changed or if nodes were found that do not answer. A node that
   * published at the same moment may have hidden our record; if it cannot be dialled, it waits for our record as we wait for others.
   * Nothing is published if a found record leads to a swarm: our record, which leads to this node alone, could hide it.
   */
  #republishIfHidden(found: ReadonlyArray<GossipRecord>): Effect.Effect<void, ClockBeforeEpoch> {
    return Effect.gen({ self: this }, function* () {
      const { records, swarm, timers } = this.#session
      const areAllAlone = found.every(
        (record) =>
          record.content.activePeers.length === 0 ||
          swarm.asked.isDeadEnd(record, records.endpointId, NO_SWARM_AFTER_MS),
      )
      if (!areAllAlone || swarm.joined.isOpen) return
      if (!this.#hasNewAddresses) {
        if (found.length === 0) return
        const now = timers.now()
        this.#republishAt ??= now + (yield* this.#republishDelay())
        if (now < this.#republishAt) return
        this.#republishCount++
        this.#republishAt = now + (yield* this.#republishDelay())
      }
      yield* this.#inBackground(this.#publishAndNameNeighbor(recordsOfMinute(found, yield* records.unixMinute)))
    })
  }

  /**
   * Publishes the record again, in the background, if it names no neighbour although there is one. `found`: the records of the minute that
   * the search has found. If they are as many as the limit, nothing is published: many nodes may have joined at the same moment.
   */
  republishWithNeighbor(found: ReadonlyArray<GossipRecord>): Effect.Effect<unknown> {
    return this.#inBackground(this.#nameNeighbor(found))
  }

  /**
   * Publishes what we know as the record of this minute. `known`: records of the minute that were just read, which saves a lookup.
   * A search does a lookup when the first nodes have stored the record and when all have: only now they return a record that another
   * node put at the same moment.
   */
  publish(by: Actor, known?: ReadonlyArray<GossipRecord>) {
    return Effect.gen({ self: this }, function* () {
      const { access, activity, gossip, lookupWanted, ownAddress, rateLimiter, records, swarm, timers, tuning } =
        this.#session
      const unixMinute = yield* records.unixMinute
      const began = timers.now()
      this.#publishedMinute = unixMinute
      this.#publishedWithoutNeighbors = false
      this.#hasNewAddresses = false
      if (yield* records.usesSecondSlot) this.#secondMinute = unixMinute
      const trust = yield* gossip.neighborTrust
      const content = {
        ...swarm.recordContent(records.endpointId, trust),
        address: yield* ownAddress,
        ...(access === "members" ? { access } : {}),
      }
      const record = yield* records.newRecord(unixMinute, content)
      const onStored = {
        // As many nodes as the following lookup asks.
        nodes: tuning.pollBreadth,
        run: () => {
          if (rateLimiter.hasPermit("urgent")) lookupWanted.open()
        },
      }
      const counts = (other: GossipRecord) => !swarm.asked.isDeadEnd(other, records.endpointId, DEAD_END_AFTER_MS)
      const outcome = yield* records.publish(record, { known, counts, onStored }).pipe(
        // Every node keeps the first record of the minute, and that is another node's.
        Effect.catchTag("DhtError", (error) =>
          error.reason === "Rejected" ? Effect.succeed({ _tag: "Refused" } as const) : Effect.fail(error),
        ),
      )
      const second = outcome._tag === "Refused" ? undefined : outcome.second
      if (second !== undefined) {
        this.#publishedWithoutNeighbors = content.activePeers.length === 0
        const millis = Math.round(timers.now() - began)
        yield* activity.report({
          _tag: "RecordPublished",
          by,
          unixMinute,
          stored: second.stored,
          millis,
          slot: "second",
        })
      }
      const reportRefused = Effect.suspend(() => {
        activity.counters.recordsRefused++
        return activity.report({ _tag: "RecordRefused", by, unixMinute })
      })
      switch (outcome._tag) {
        case "PublishedSecond":
          yield* outcome.reason.reason === "Rejected" ? reportRefused : activity.reportFailure(by, outcome.reason)
          return lookupWanted.open()
        case "Refused":
          yield* reportRefused
          return lookupWanted.open()
        case "Skipped":
          activity.counters.recordsSkipped++
          return yield* activity.report({ _tag: "RecordSkipped", by, unixMinute, found: outcome.records.length })
        case "Published": {
          activity.counters.recordsPublished++
          this.#publishedWithoutNeighbors = content.activePeers.length === 0
          const millis = Math.round(timers.now() - began)
          yield* activity.report({ _tag: "RecordPublished", by, unixMinute, stored: outcome.receipt.stored, millis })
          return lookupWanted.open()
        }
      }
    }).pipe(withBackgroundSpan("Topic.publish", this.#session.records.topic, { "topic_tracker.activity.by": by }))
  }

  /** Publishes, and publishes again if the first neighbour came meanwhile. */
  #publishAndNameNeighbor(known: ReadonlyArray<GossipRecord> | undefined) {
    return Effect.andThen(this.publish("bootstrap", known), this.#nameNeighbor(known ?? []))
  }

  #nameNeighbor(found: ReadonlyArray<GossipRecord>) {
    return Effect.gen({ self: this }, function* () {
      if (!this.#lacksNeighbor()) return
      yield* Effect.sleep(NAME_NEIGHBOR_AFTER_MS)
      if (this.#lacksNeighbor()) yield* this.publish("bootstrap", found)
    })
  }

  /**
   * Whether our record leads to us alone although we have neighbours by now. It may have replaced records that led to the whole swarm;
   * if we left, the topic would not be found until the next record.
   */
  #lacksNeighbor(): boolean {
    const { config, swarm } = this.#session
    return config.publisher.enabled && this.#publishedWithoutNeighbors && swarm.neighbors.size > 0
  }

  #republishDelay(): Effect.Effect<number> {
    return backoffDelay(FIRST_REPUBLISH, MAX_REPUBLISH, this.#republishCount)
  }

  /** Runs in the session's scope: a record is published also if the search ends meanwhile, since it is how later nodes find us. */
  #inBackground<E extends { readonly message: string }>(publish: Effect.Effect<unknown, E>) {
    const { activity, scope } = this.#session
    return publish.pipe(
      Effect.onError(() =>
        Effect.sync(() => {
          this.#publishedMinute = undefined
        }),
      ),
      activity.ignoreFailure("bootstrap"),
      Effect.forkIn(scope),
    )
  }
}
