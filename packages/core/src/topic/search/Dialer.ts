/**
 * Dials the peers that records and invitations name, in one search for a neighbour. It remembers which record led to which peer and when
 * each peer was dialled, so that a peer is not dialled in a loop.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { isEmptyAddress } from "@topic-tracker/gossip"
import { Duration, Effect, type Fiber, type Scope, Semaphore } from "effect"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import { peersOf } from "../knowledge/candidates.ts"
import { withTopicSpan } from "../observability.ts"
import type { SessionContext } from "../SessionContext.ts"
import type { RecordSource } from "../TopicActivity.ts"

/** The wait from one dial to the next: most peers that run answer within this time, so that one dial is enough. */
const HEAD_START_MS = 30
/** The number of names that one lookup adds; half of them are kept for publishers, which sign their records. */
const MAX_NEW_NAMES = 16
const MAX_NEW_NEIGHBORS = 8
/** The wait before a peer that did not answer is dialled again. Doubled each time, up to a whole round of the crate. */
const REDIAL_AFTER_MS = 200
/** The longest such wait for a peer of an invitation, which may be gone for good: if it runs, its record leads to it sooner. */
const MAX_INVITED_REDIAL_MS = 30_000

interface Dial {
  /** Undefined if an invitation named the peer, and no record did before. */
  readonly source: RecordSource | undefined
  count: number
  /** In ms of the session's timers, as all times here: the time of day may be set back by hours. */
  beganAt: number
  notBefore: number
}

export class Dialer {
  readonly #session: SessionContext
  readonly #dials = new Map<EndpointId.EndpointId, Dial>()

  constructor(session: SessionContext) {
    this.#session = session
  }

  /** Whether a record has named a peer. */
  get hasPeers(): boolean {
    for (const { source } of this.#dials.values()) if (source !== undefined) return true
    return false
  }

  /** The record that led to the peer; undefined if none did. */
  sourceOf(peer: EndpointId.EndpointId): RecordSource | undefined {
    return this.#dials.get(peer)?.source
  }

  /** Lets every peer be dialled again at once. */
  allowRedials(): void {
    for (const dial of this.#dials.values()) {
      dial.count = 0
      dial.notBefore = Number.NEGATIVE_INFINITY
    }
  }

  /** Forgets the peers of records before this minute: a search may take days. */
  forgetBefore(unixMinute: bigint): void {
    for (const [peer, { source }] of this.#dials) {
      if (source !== undefined && source.unixMinute < unixMinute) this.#dials.delete(peer)
    }
  }

  /** Forgets every peer. */
  clear(): void {
    this.#dials.clear()
  }

  /** The time, in ms of the timers, from which {@link askInvited} asks one again; undefined if no invitation names a peer. */
  get invitedDueAt(): number | undefined {
    const due = [...this.#session.invited.keys()].map((peer) => this.#dials.get(peer)?.notBefore ?? 0)
    return due.length === 0 ? undefined : Math.min(...due)
  }

  /** Dials the peers of invitations, all at once: there are few. Those that were dialled a moment ago are passed over. */
  askInvited(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { gossip, invited, learnAddress } = this.#session
      const due: Array<EndpointId.EndpointId> = []
      for (const [peer, address] of invited) {
        if (!this.#dials.has(peer)) this.#dials.set(peer, newDial(undefined))
        if (!(yield* this.#beginDial(peer))) continue
        if (!isEmptyAddress(address)) yield* learnAddress(peer, address)
        due.push(peer)
      }
      if (due.length === 0) return
      // A member named them, as in a record.
      yield* gossip.vouchFor(due)
      yield* this.#ask(due)
    })
  }

  /**
   * A function that dials the peers of a record in the scope, at most `maxJoinPeerCount` at a time, one after another, each publisher
   * before the neighbours that records name. It is for one lookup, and bounds the names that the lookup adds.
   */
  inScope(scope: Scope.Scope) {
    const slots = Semaphore.makeUnsafe(this.#session.config.join.maxJoinPeerCount)
    const added = { publishers: 0, neighbors: 0 }
    const publishers: Array<EndpointId.EndpointId> = []
    const neighbors: Array<EndpointId.EndpointId> = []
    const dialNext = Effect.suspend(() => {
      const peer = publishers.shift() ?? neighbors.shift()
      return peer === undefined ? Effect.void : this.#dial(peer)
    })
    let count = 0
    return Effect.fnUntraced({ self: this }, function* (record: GossipRecord) {
      const fibers: Array<Fiber.Fiber<void>> = []
      for (const peer of this.#remember(record, added)) {
        if (peer === record.endpointId) publishers.push(peer)
        else neighbors.push(peer)
        const dial = slots.withPermit(dialNext)
        const delayed = count === 0 ? dial : Effect.delay(dial, HEAD_START_MS * count)
        count++
        // Started at once: behind the answers of a whole lookup the dial would wait for tens of ms.
        fibers.push(yield* Effect.forkIn(delayed, scope, { startImmediately: true }))
      }
      return fibers
    })
  }

  /** The peers of the record, as many as may be added. Each is remembered with the record that named it first. */
  #remember(
    record: GossipRecord,
    added: { publishers: number; neighbors: number },
  ): ReadonlyArray<EndpointId.EndpointId> {
    const source = { publisher: record.endpointId, unixMinute: record.unixMinute }
    return peersOf(record, this.#session.records.endpointId).filter((peer) => {
      const known = this.#dials.get(peer)
      if (known !== undefined) {
        // An invitation named it before, and its record shows that it runs.
        if (known.source === undefined) this.#dials.set(peer, withSource(known, source))
        return true
      }
      if (added.publishers + added.neighbors >= MAX_NEW_NAMES) return false
      if (peer === record.endpointId) added.publishers++
      else if (added.neighbors++ >= MAX_NEW_NEIGHBORS) return false
      this.#dials.set(peer, newDial(source))
      return true
    })
  }

  /** Dials a peer unless it was dialled a moment ago, and gives it a head start before the next peer. */
  #dial(peer: EndpointId.EndpointId): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (!(yield* this.#beginDial(peer))) return
      yield* this.#ask([peer])
      yield* Effect.sleep(this.#session.config.bootstrap.perPeerJoinSettleTime)
    })
  }

  /** Notes a dial. False if the peer was dialled a moment ago. */
  #beginDial(peer: EndpointId.EndpointId): Effect.Effect<boolean> {
    return Effect.gen({ self: this }, function* () {
      const { activity, config, swarm, timers } = this.#session
      const { bootstrap } = config
      const dial = this.#dials.get(peer)
      const now = timers.now()
      if (dial === undefined || now < dial.notBefore) return false
      if (dial.count > 0) {
        yield* activity.report({ _tag: "DialUnanswered", peer, millis: Math.round(now - dial.beganAt) })
      }
      const longest = Duration.sum(bootstrap.joinConfirmationWaitTime, bootstrap.discoveryPollInterval)
      const longestMs = dial.source === undefined ? MAX_INVITED_REDIAL_MS : Duration.toMillis(longest)
      dial.notBefore = now + Math.min(REDIAL_AFTER_MS * 2 ** dial.count, longestMs)
      dial.beganAt = now
      dial.count++
      activity.counters.dials++
      swarm.asked.addAsked(peer)
      yield* activity.report({ _tag: "DialBegan", peer, source: dial.source })
      return true
    })
  }

  #ask(peers: ReadonlyArray<EndpointId.EndpointId>): Effect.Effect<void> {
    const { activity, config, gossip, records } = this.#session
    return gossip
      .join(peers)
      .pipe(
        Effect.timeout(config.timeouts.joinPeer),
        activity.ignoreFailure("bootstrap"),
        withTopicSpan("Topic.dial", records.topic),
      )
  }
}

const withSource = (dial: Dial, source: RecordSource): Dial => ({
  source,
  count: Math.min(dial.count, 1),
  beganAt: dial.beganAt,
  notBefore: Math.min(dial.notBefore, dial.beganAt + REDIAL_AFTER_MS),
})

const newDial = (source: RecordSource | undefined): Dial => ({
  source,
  count: 0,
  beganAt: 0,
  notBefore: Number.NEGATIVE_INFINITY,
})
