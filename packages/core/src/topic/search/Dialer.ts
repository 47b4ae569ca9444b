/**
 * Dials the peers that records name, in one search for a neighbour. It remembers which record led to which peer and when each peer was
 * dialled, so that a peer is not dialled in a loop.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Duration, Effect, type Fiber, type Scope, Semaphore } from "effect"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import { peersOf } from "../knowledge/candidates.ts"
import { withTopicSpan } from "../observability.ts"
import type { SessionContext } from "../SessionContext.ts"
import type { RecordSource } from "../TopicActivity.ts"

/** The wait from one dial to the next: most peers that run answer within this time, so that one dial is enough. */
const HEAD_START_MS = 30
/** The wait before a peer that did not answer is dialled again. Doubled each time, up to a whole round of the crate. */
const REDIAL_AFTER_MS = 200

interface Dial {
  readonly source: RecordSource
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
    return this.#dials.size > 0
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
    for (const [peer, { source }] of this.#dials) if (source.unixMinute < unixMinute) this.#dials.delete(peer)
  }

  /** Forgets every peer. */
  clear(): void {
    this.#dials.clear()
  }

  /** A function that dials every peer of a record in the scope, at most `maxJoinPeerCount` at a time, one after another. */
  inScope(scope: Scope.Scope) {
    const slots = Semaphore.makeUnsafe(this.#session.config.join.maxJoinPeerCount)
    let count = 0
    return Effect.fnUntraced({ self: this }, function* (record: GossipRecord) {
      const fibers: Array<Fiber.Fiber<void>> = []
      for (const peer of this.#remember(record)) {
        const dial = slots.withPermit(this.#dial(peer))
        const delayed = count === 0 ? dial : Effect.delay(dial, HEAD_START_MS * count)
        count++
        // Started at once: behind the answers of a whole lookup the dial would wait for tens of ms.
        fibers.push(yield* Effect.forkIn(delayed, scope, { startImmediately: true }))
      }
      return fibers
    })
  }

  /** The peers of the record. Each is remembered with the record that named it first. */
  #remember(record: GossipRecord): ReadonlyArray<EndpointId.EndpointId> {
    const peers = peersOf(record, this.#session.records.endpointId)
    const source = { publisher: record.endpointId, unixMinute: record.unixMinute }
    for (const peer of peers) {
      if (this.#dials.has(peer)) continue
      this.#dials.set(peer, { source, count: 0, beganAt: 0, notBefore: Number.NEGATIVE_INFINITY })
    }
    return peers
  }

  /** Dials a peer unless it was dialled a moment ago, and gives it a head start before the next peer. */
  #dial(peer: EndpointId.EndpointId): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { activity, config, gossip, records, timers } = this.#session
      const { bootstrap, timeouts } = config
      const dial = this.#dials.get(peer)
      const now = timers.now()
      if (dial === undefined || now < dial.notBefore) return
      if (dial.count > 0) {
        yield* activity.report({ _tag: "DialUnanswered", peer, millis: Math.round(now - dial.beganAt) })
      }
      const longest = Duration.sum(bootstrap.joinConfirmationWaitTime, bootstrap.discoveryPollInterval)
      dial.notBefore = now + Math.min(REDIAL_AFTER_MS * 2 ** dial.count, Duration.toMillis(longest))
      dial.beganAt = now
      dial.count++
      activity.counters.dials++
      yield* activity.report({ _tag: "DialBegan", peer, source: dial.source })
      yield* gossip
        .join([peer])
        .pipe(
          Effect.timeout(timeouts.joinPeer),
          activity.ignoreFailure("bootstrap"),
          withTopicSpan("Topic.dial", records.topic),
        )
      yield* Effect.sleep(bootstrap.perPeerJoinSettleTime)
    })
  }
}
