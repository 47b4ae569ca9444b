/**
 * Searches for members while none of the neighbours is known as one. Everybody who knows the topic's name can become a neighbour, so a
 * few strangers can take all places and be silent. The search asks a member for a link: one of an earlier record, and in turn with that
 * one of records that it reads; only the first while the slot is busy. In a large swarm most neighbours are in no record that this node
 * read: so the lookups become rare, and then are subject to Trickle suppression.
 */
import { firstOf, Signal } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Clock, Duration, Effect } from "effect"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import { backoffDelay } from "../delays.ts"
import { nameFewMembers, peersOf } from "../knowledge/candidates.ts"
import { recentRecords, recordsOfMinute } from "../knowledge/recentRecords.ts"
import { hasMinuteRecords } from "../minutes.ts"
import type { OwnRecord } from "../OwnRecord.ts"
import type { SessionContext } from "../SessionContext.ts"
import { askSome } from "./askPeers.ts"

/**
 * Beyond this wait the lookups are subject to Trickle suppression: there were eight in the first ten minutes, or eleven in a hurry. The waits
 * double up to the second. The publisher reads the same records in its rounds, and its lookups serve this search too: 1,000 nodes that
 * each looked up every six minutes, most of them suppressed, added ten lookups a minute to 26.
 */
const RARE_FROM = Duration.seconds(256)
const MAX_WAIT = Duration.seconds(1_024)
/**
 * The first wait if strangers come one after the other: this node may hear nobody any more. The next waits double from here too: the first
 * lookup finds nothing if the members have just started as well.
 */
const HURRY = Duration.millis(250)
/** The waits start again from the shortest at most once in this time. */
const RESTART_AFTER_MS = 300_000

/** Lookups after which a node among restless strangers publishes its record again. */
const SHOWN_ROUNDS = 3

/** Runs one fiber in the session's scope while it is needed. */
export class MemberSearch {
  readonly #session: SessionContext
  readonly #ownRecord: OwnRecord
  #isRunning = false
  /** The number of lookups since the waits were shortest. */
  #round = 0
  /** When the waits were shortest, in ms of the timers. */
  #restartedAt = Number.NEGATIVE_INFINITY
  /** The shortest wait of the current sequence. */
  #shortest = HURRY
  /** When strangers came one after the other, in ms of the timers. */
  #hurriedAt = Number.NEGATIVE_INFINITY
  #hasReported = false
  /** Opened when the waits start again from the shortest. */
  readonly #restarted: Signal

  constructor(session: SessionContext, ownRecord: OwnRecord) {
    this.#session = session
    this.#ownRecord = ownRecord
    this.#restarted = new Signal(session.timers, false)
  }

  /** Whether there are neighbours, none of them is known as a member, and the search does not run or must hurry. */
  get isWanted(): boolean {
    const { swarm, tuning } = this.#session
    return !swarm.calm.isOpen && tuning.memberSearchMs > 0 && (!this.#isRunning || swarm.isRestless)
  }

  /** Starts the search, or its waits from the shortest if strangers come one after the other. */
  start(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.#session.timers.now()
      const hurries = this.#session.swarm.isRestless && now - this.#hurriedAt >= RESTART_AFTER_MS
      if (hurries) this.#hurriedAt = now
      if (hurries || now - this.#restartedAt >= RESTART_AFTER_MS) {
        this.#restartedAt = now
        this.#round = 0
        this.#shortest = hurries ? HURRY : Duration.millis(this.#session.tuning.memberSearchMs)
        this.#restarted.open()
      }
      if (this.#isRunning) return Effect.void
      this.#isRunning = true
      const stopped = Effect.sync(() => {
        this.#isRunning = false
      })
      return Effect.asVoid(Effect.forkIn(Effect.ensuring(this.#searchRepeatedly(), stopped), this.#session.scope))
    })
  }

  #searchRepeatedly(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { activity, slotLoad, swarm, timers, trickle } = this.#session
      while (!swarm.calm.isOpen) {
        this.#restarted.close()
        const round = this.#round
        const shortest = this.#shortest
        yield* firstOf(timers, [swarm.calm, this.#restarted], yield* backoffDelay(shortest, MAX_WAIT, round))
        if (swarm.calm.isOpen) return
        if (this.#restarted.isOpen) continue
        this.#round++
        const remembered = this.#round % 2 === 1 || slotLoad.isBusy ? swarm.otherMembers : []
        if (remembered.length > 0) {
          yield* this.#ask(remembered).pipe(activity.ignoreFailure("memberSearch"))
          continue
        }
        if (slotLoad.isBusy) continue
        const isRare = Duration.toMillis(shortest) * 2 ** round > Duration.toMillis(RARE_FROM)
        if (isRare && !(yield* trickle.shouldRun)) continue
        yield* this.#searchOnce().pipe(activity.ignoreFailure("memberSearch"))
      }
    })
  }

  /** Asks one of the members for a link. */
  #ask(members: ReadonlyArray<EndpointId.EndpointId>) {
    this.#session.activity.counters.merges++
    return askSome(this.#session, "connect", members, 1, (peers) => ({ _tag: "Merging", by: "memberSearch", peers }))
  }

  #searchOnce() {
    return Effect.gen({ self: this }, function* () {
      const { activity, records, swarm } = this.#session
      const span = hasMinuteRecords(yield* Clock.currentTimeMillis) ? 1 : 2
      const othersIn = (found: ReadonlyArray<GossipRecord>) =>
        membersOf(found, records.endpointId).filter((peer) => swarm.isMember(peer) && !swarm.neighbors.has(peer))
      const found = yield* recentRecords(this.#session, span, (records) => othersIn(records).length > 0)
      if (swarm.calm.isOpen) return
      if (!this.#hasReported) {
        this.#hasReported = true
        yield* activity.report({ _tag: "NoKnownMember", neighbors: swarm.neighbors.size })
      }
      const members = othersIn(found)
      if (members.length === 0) return
      yield* this.#ask(members)
      if (swarm.isRestless && nameFewMembers(found) && this.#round <= SHOWN_ROUNDS) yield* this.#show(found)
    })
  }

  /**
   * Publishes our record again. Members that start at the same moment hide each other's records, so that the one whose record is shown
   * knows none of the others, and gives their places to strangers.
   */
  #show(found: ReadonlyArray<GossipRecord>) {
    return Effect.gen({ self: this }, function* () {
      const { rateLimiter, records } = this.#session
      yield* rateLimiter.awaitPermit("routine")
      yield* this.#ownRecord.publish("memberSearch", recordsOfMinute(found, yield* records.unixMinute))
    })
  }
}

const membersOf = (records: ReadonlyArray<GossipRecord>, self: EndpointId.EndpointId) => [
  ...new Set(records.flatMap((record) => peersOf(record, self))),
]
