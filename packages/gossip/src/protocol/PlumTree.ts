/**
 * The PlumTree broadcast protocol of one topic: payloads go at once to eager peers, which over time become the edges of a
 * spanning tree, and their ids go in batches to lazy peers, which ask for payloads that the tree did not bring them. It knows
 * nothing of membership except the current neighbours: each is either eager or lazy.
 *
 * Source: Leitão, Pereira, Rodrigues, "Epidemic Broadcast Trees", SRDS 2007 (page numbers below are that paper's), as
 * iroh-gossip 0.101 has it (`src/proto/plumtree.rs`). The bytes are the same; DEVIATIONS.md of this package lists where the
 * behaviour differs, by the titles that comments here name.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import type { BroadcastConfig } from "./Config.ts"
import { type CopyLatencies, CopyTimes } from "./CopyTimes.ts"
import type { ContentValidator, TopicEvent, TopicIo } from "./Event.ts"
import type { HistoryBudget } from "./HistoryBudget.ts"
import type { DeliveryScope, Gossip, GossipMessage, Graft, IHave, IHaveEntry, PeerKey, Prune } from "./Message.ts"
import { MessageHistory } from "./MessageHistory.ts"
import * as MessageId from "./MessageId.ts"
import { MAX_MISSING_OF_NEIGHBOR, NeighborRecord } from "./NeighborRecord.ts"

const PRUNE: Prune = { _tag: "Prune" }
const NEIGHBORS_SCOPE: DeliveryScope = { _tag: "Neighbors" }
const FROM_AUTHOR: DeliveryScope = { _tag: "Swarm", round: 0 }
const MAX_ROUND = 0xffff

/** Payloads that may be announced and missing in all: those of five neighbours, so that four cannot keep out a fifth. */
export const MAX_MISSING = 5 * MAX_MISSING_OF_NEIGHBOR
/** A content that was not accepted is not judged again for so long. */
const IGNORED_MS = 10_000
const REJECTED_MS = 90_000
/** The most contents that are remembered as not accepted. */
const MAX_INVALID = 4_096

interface InvalidContent {
  readonly verdict: "ignore" | "reject"
  readonly until: number
}

/** A peer that announced a payload, and the hops from the author to that peer. */
type Announcement<P> = { readonly peer: P; readonly round: number }

export interface PlumTreeIo<P extends PeerKey> extends TopicIo<P> {
  /** Judges contents before they are forwarded; undefined if all are accepted. */
  readonly validate: ContentValidator<P> | undefined
  /** The peer is no neighbour and takes us for one. */
  readonly correct: (peer: P) => void
  readonly received: (event: Extract<TopicEvent<P>, { readonly _tag: "Received" }>) => void
}

/** The fields of {@link PlumTree} besides the sets of peers, for reading. */
export interface BroadcastBookkeeping<P extends PeerKey> {
  readonly records: ReadonlyMap<P, Pick<NeighborRecord, "missing">>
  readonly missing: ReadonlyMap<MessageId.MessageId, ReadonlyArray<Announcement<P>>>
  readonly lazyQueue: ReadonlyMap<P, ReadonlyArray<IHaveEntry>>
  readonly lastBroadcasts: ReadonlyArray<{ readonly id: MessageId.MessageId; readonly at: number }>
  readonly history: Pick<MessageHistory, "has" | "payload" | "size" | "payloadSize">
  readonly dispatchScheduled: boolean
  readonly evictScheduled: boolean
}

export class PlumTree<P extends PeerKey> {
  readonly eager = new Set<P>()
  readonly lazy = new Set<P>()
  /** The neighbours. */
  private readonly records = new Map<P, NeighborRecord>()
  private readonly io: PlumTreeIo<P>
  private readonly config: BroadcastConfig
  /** The number of ids that fit into one IHave. */
  private readonly batchSize: number
  private readonly lazyQueue = new Map<P, Array<IHaveEntry>>()
  private dispatchScheduled = false
  private evictScheduled = false
  /** Announced payloads that we do not have, each with its announcements, the first one first. Each has a SendGraft timer. */
  private readonly missing = new Map<MessageId.MessageId, Array<Announcement<P>>>()
  /** The messages that we had. Payloads are ready to be sent: their round is already the next one. */
  private readonly history: MessageHistory
  /** Contents that the validator did not accept, until their time is over. Empty without a validator. */
  private readonly invalid = new BoundedMap<MessageId.MessageId, InvalidContent>(MAX_INVALID)
  private readonly copies: CopyTimes<P>
  /** Our last broadcasts, the oldest first, and their times (DEVIATIONS.md, "last payloads"). */
  private lastBroadcasts: Array<{ readonly id: MessageId.MessageId; readonly at: number }> = []

  constructor(options: {
    readonly io: PlumTreeIo<P>
    readonly config: BroadcastConfig
    readonly maxMessageSize: number
    readonly historyBudget: HistoryBudget
    readonly latencies: CopyLatencies
  }) {
    const { config } = options
    this.copies = new CopyTimes(options.latencies)
    this.io = options.io
    this.config = config
    // As in iroh-gossip: 33 bytes of topic and outer tag (although the topic is not on the stream), 3 of tag and length, and
    // 35 for each id with its round.
    this.batchSize = Math.floor((options.maxMessageSize - 36) / 35)
    this.history = new MessageHistory({
      idRetentionMs: config.messageIdRetentionMs,
      maxIds: config.messageIdMaxCount,
      payloadRetentionMs: config.messageCacheRetentionMs,
      maxPayloadBytes: config.messageCacheMaxBytes,
      budget: options.historyBudget,
    })
  }

  /** Forgets the messages: the topic is over. */
  close(): void {
    this.history.clear()
  }

  /** Sizes whose bounds tests check. */
  get sizes() {
    const { history, lazyQueue, missing } = this
    return { missing: missing.size, seen: history.size, cache: history.payloadSize, lazyQueue: lazyQueue.size }
  }

  /** The state besides the two sets of peers, for tests: what checkInvariants compares. Valid until the next event. */
  get bookkeeping(): BroadcastBookkeeping<P> {
    const { dispatchScheduled, evictScheduled, history, lastBroadcasts, lazyQueue, missing, records } = this
    return { dispatchScheduled, evictScheduled, history, lastBroadcasts, lazyQueue, missing, records }
  }

  /** New neighbours are eager (p. 7). */
  neighborUp(peer: P): void {
    this.lazy.delete(peer)
    this.eager.add(peer)
    this.records.set(peer, new NeighborRecord())
  }

  /** "The record of IHAVE messages sent from failed members is deleted from the missing history" (p. 9). */
  neighborDown(peer: P): void {
    this.eager.delete(peer)
    this.lazy.delete(peer)
    this.records.delete(peer)
    // See DEVIATIONS.md, "announcements to a former neighbour".
    this.lazyQueue.delete(peer)
    for (const [id, announcements] of this.missing) {
      const rest = announcements.filter((announcement) => announcement.peer !== peer)
      if (rest.length === announcements.length) continue
      if (rest.length > 0) this.missing.set(id, rest)
      else this.missing.delete(id)
    }
  }

  /** Whether this neighbour has sent us a payload which we did not have. */
  hasDelivered(peer: P): boolean {
    return this.records.get(peer)?.hasDelivered === true
  }

  /** Sends our own content to the swarm, or to the neighbours and no further. */
  broadcast(content: Uint8Array, scope: "swarm" | "neighbors", now: number): void {
    const id = MessageId.ofContent(content)
    if (scope === "neighbors") {
      const message: Gossip = { _tag: "Gossip", id, content, scope: NEIGHBORS_SCOPE }
      this.pushEager(message)
      // See DEVIATIONS.md, "payloads for neighbours only".
      for (const peer of this.lazy) this.io.send(peer, message)
      return
    }
    const message: Gossip = { _tag: "Gossip", id, content, scope: FROM_AUTHOR }
    this.remember(message, now)
    this.copies.first(id, undefined, now)
    // A peer may have announced equal content: it is not missing any more.
    this.takeMissing(id)
    if (this.lazy.size > 0) this.lastBroadcasts.push({ id, at: now })
    this.announceLazy(id, 0)
    this.pushEager(message)
  }

  /**
   * Before we leave the topic: sends lazy peers the payloads that were announced to them a moment ago, or are about to be.
   * After we have left, no peer could ask us for them (DEVIATIONS.md, "last payloads").
   */
  leave(now: number): void {
    this.forgetLastBroadcasts(now)
    for (const peer of this.lazy) {
      const ids = new Set(this.lastBroadcasts.map(({ id }) => id))
      for (const { id } of this.lazyQueue.get(peer) ?? []) ids.add(id)
      for (const id of ids) {
        const payload = this.history.payload(id)
        if (payload !== undefined) this.io.send(peer, payload)
      }
    }
  }

  /** A peer grafts within both graft time-outs; the messages may need the same time again on their way. */
  private forgetLastBroadcasts(now: number): void {
    const { dispatchTimeoutMs, graftTimeout1Ms, graftTimeout2Ms } = this.config
    const since = now - 2 * (dispatchTimeoutMs + graftTimeout1Ms + graftTimeout2Ms)
    this.lastBroadcasts = this.lastBroadcasts.filter(({ at }) => at >= since)
  }

  receive(from: P, message: GossipMessage, now: number): void {
    if (message._tag === "Gossip") this.io.stats.payloadMessagesReceived++
    else this.io.stats.controlMessagesReceived++
    switch (message._tag) {
      case "Gossip":
        this.onGossip(from, message, now)
        return
      case "Prune":
        this.makeLazy(from)
        return
      case "Graft":
        this.onGraft(from, message)
        return
      case "IHave":
        this.onIHave(from, message, now)
        return
    }
  }

  onDispatchTimer(): void {
    this.dispatchScheduled = false
    for (const [peer, entries] of this.lazyQueue) {
      for (let i = 0; i < entries.length; i += this.batchSize) {
        this.io.send(peer, { _tag: "IHave", messages: entries.slice(i, i + this.batchSize) })
      }
    }
    this.lazyQueue.clear()
  }

  /**
   * An announced payload has not arrived: asks the first peer that announced it, and after a second, shorter time the next
   * one (p. 9).
   */
  onGraftTimer(id: MessageId.MessageId): void {
    const announcements = this.missing.get(id)
    if (announcements === undefined) return
    const next = this.nextToAsk(announcements)
    if (next === undefined) {
      // No peer that announced it has sent it (DEVIATIONS.md, "payloads that never come").
      this.missing.delete(id)
      return
    }
    this.makeEager(next.peer)
    this.io.send(next.peer, { _tag: "Graft", id, round: next.round })
    this.io.schedule(this.config.graftTimeout2Ms, { _tag: "SendGraft", id })
  }

  /** Takes the announcements in order until one is of a neighbour that is asked. */
  private nextToAsk(announcements: Array<Announcement<P>>): Announcement<P> | undefined {
    for (;;) {
      const next = announcements.shift()
      if (next === undefined) return undefined
      const record = this.records.get(next.peer)
      if (record === undefined) continue
      record.missing--
      if (record.takeGraft(this.io.now)) return next
    }
  }

  /** The announcements of a payload that is not missing any more. */
  private takeMissing(id: MessageId.MessageId): ReadonlyArray<Announcement<P>> | undefined {
    const announcements = this.missing.get(id)
    if (announcements === undefined) return undefined
    this.missing.delete(id)
    for (const { peer } of announcements) {
      const record = this.records.get(peer)
      if (record !== undefined) record.missing--
    }
    return announcements
  }

  onEvictTimer(now: number): void {
    this.history.evict(now)
    this.forgetLastBroadcasts(now)
    this.evictScheduled = this.history.size > 0 || this.lastBroadcasts.length > 0
    if (this.evictScheduled) this.io.schedule(this.config.cacheEvictIntervalMs, { _tag: "EvictCache" })
  }

  /** Starts the eviction timer if it does not run (DEVIATIONS.md, "eviction timer"). */
  private remember(message: Gossip, now: number): void {
    this.history.add(message, now)
    if (this.evictScheduled) return
    this.evictScheduled = true
    this.io.schedule(this.config.cacheEvictIntervalMs, { _tag: "EvictCache" })
  }

  private onGossip(from: P, message: Gossip, now: number): void {
    const { content, id, scope } = message
    // Before the hash is checked, which costs far more (DEVIATIONS.md, "duplicates").
    if (this.history.has(id)) {
      this.io.stats.duplicatePayloads++
      this.records.get(from)?.payloadReceived(false, now)
      if (scope._tag === "Neighbors") return
      if (this.isNeighbor(from)) {
        this.copies.again(id, from, now)
        this.makeLazy(from)
        this.io.send(from, PRUNE)
      } else {
        this.io.correct(from)
      }
      return
    }
    if (MessageId.ofContent(content) !== id) {
      this.io.stats.forgedPayloads++
      return
    }
    if (this.io.validate !== undefined && !this.isValid(this.io.validate, from, message, now)) return
    if (scope._tag === "Neighbors") {
      this.io.received({ _tag: "Received", id, content, deliveredFrom: from, scope: "neighbors", round: 0 })
      return
    }
    const round = Math.min(scope.round + 1, MAX_ROUND)
    const onward: Gossip = { _tag: "Gossip", id, content, scope: { _tag: "Swarm", round } }
    this.remember(onward, now)
    this.copies.first(id, from, now)
    this.records.get(from)?.payloadReceived(true, now)
    this.pushEager(onward, from)
    this.announceLazy(id, round, from)
    const announcements = this.takeMissing(id)
    if (announcements !== undefined) this.optimize(from, round, announcements)
    this.io.stats.maxLastDeliveryHop = Math.max(this.io.stats.maxLastDeliveryHop, scope.round)
    this.io.received({ _tag: "Received", id, content, deliveredFrom: from, scope: "swarm", round: scope.round })
  }

  /**
   * Judges a content. One that is not accepted is remembered for a short time, so that copies of it cost nothing; nobody is asked for it
   * again. Ids are hashes of the content, so this keeps out nothing else.
   */
  private isValid(validate: ContentValidator<P>, from: P, { content, id, scope }: Gossip, now: number): boolean {
    const known = this.invalid.get(id)
    const isKnown = known !== undefined && now < known.until
    const verdict = isKnown ? known.verdict : validate(from, content, scope._tag === "Swarm" ? "swarm" : "neighbors")
    if (verdict === "accept") return true
    this.records.get(from)?.payloadReceived(false, now)
    if (verdict === "ignore") this.io.stats.ignoredPayloads++
    else this.io.stats.rejectedPayloads++
    if (isKnown) return false
    this.invalid.set(id, { verdict, until: now + (verdict === "ignore" ? IGNORED_MS : REJECTED_MS) })
    this.takeMissing(id)
    return false
  }

  private isInvalid(id: MessageId.MessageId, now: number): boolean {
    if (this.invalid.size === 0) return false
    const known = this.invalid.get(id)
    return known !== undefined && now < known.until
  }

  /** Makes a peer eager that had the payload after far fewer hops, and the peer that brought it lazy (p. 9). */
  private optimize(from: P, round: number, announcements: ReadonlyArray<Announcement<P>>): void {
    let best: Announcement<P> | undefined
    for (const announcement of announcements) {
      // A peer that claims few hops and sends nothing must not take the place of one that does (DEVIATIONS.md, "announcements").
      if (!this.hasDelivered(announcement.peer)) continue
      if (best === undefined || announcement.round < best.round) best = announcement
    }
    // At least one hop nearer, even if the threshold is 0.
    if (best === undefined || round - best.round < Math.max(1, this.config.optimizationThreshold)) return
    if (this.isNeighbor(best.peer) && !this.eager.has(best.peer)) {
      this.makeEager(best.peer)
      this.io.send(best.peer, { _tag: "Graft", id: undefined, round: best.round })
    }
    if (this.isNeighbor(from)) {
      this.makeLazy(from)
      this.io.send(from, PRUNE)
    }
  }

  private onGraft(from: P, message: Graft): void {
    // Only a neighbour can be an edge of the tree (DEVIATIONS.md, "strangers in the tree").
    if (!this.isNeighbor(from)) {
      this.io.stats.droppedMessages++
      return
    }
    this.makeEager(from)
    if (message.id === undefined) return
    const payload = this.history.payload(message.id)
    if (payload === undefined) return
    if (this.records.get(from)?.takeAnswer(message.id, payload.content.length, this.io.now) === true) {
      this.io.send(from, payload)
    } else {
      this.io.stats.droppedGrafts++
    }
  }

  /** "It simply marks the corresponding message as missing. It then starts a timer" (p. 8). */
  private onIHave(from: P, message: IHave, now: number): void {
    if (!this.isNeighbor(from)) {
      this.io.stats.droppedMessages++
      return
    }
    const record = this.records.get(from)
    if (record === undefined || !record.isBelieved(this.io.now)) {
      this.io.stats.droppedAnnouncements += message.messages.length
      return
    }
    for (const { id, round } of message.messages) {
      if (this.history.has(id)) {
        this.copies.again(id, from, now)
        continue
      }
      if (this.isInvalid(id, now)) continue
      const announcements = this.missing.get(id)
      if (announcements?.some((announcement) => announcement.peer === from) === true) continue
      if (
        record.missing >= MAX_MISSING_OF_NEIGHBOR ||
        (announcements === undefined && this.missing.size >= MAX_MISSING)
      ) {
        this.io.stats.droppedAnnouncements++
        continue
      }
      record.missing++
      if (announcements !== undefined) {
        announcements.push({ peer: from, round })
        continue
      }
      this.missing.set(id, [{ peer: from, round }])
      this.io.schedule(this.config.graftTimeout1Ms, { _tag: "SendGraft", id })
    }
  }

  private pushEager(message: Gossip, except?: P): void {
    for (const peer of this.eager) if (peer !== except) this.io.send(peer, message)
  }

  /** Queues the id for the lazy peers; several ids go out in one message. */
  private announceLazy(id: MessageId.MessageId, round: number, except?: P): void {
    if (this.lazy.size === 0) return
    const entry: IHaveEntry = { id, round }
    for (const peer of this.lazy) {
      if (peer === except) continue
      const queue = this.lazyQueue.get(peer)
      if (queue === undefined) this.lazyQueue.set(peer, [entry])
      else queue.push(entry)
    }
    if (this.dispatchScheduled || this.lazyQueue.size === 0) return
    this.dispatchScheduled = true
    this.io.schedule(this.config.dispatchTimeoutMs, { _tag: "DispatchLazyPush" })
  }

  private isNeighbor(peer: P): boolean {
    return this.eager.has(peer) || this.lazy.has(peer)
  }

  private makeEager(peer: P): void {
    if (this.lazy.delete(peer)) this.eager.add(peer)
  }

  private makeLazy(peer: P): void {
    if (this.eager.delete(peer)) this.lazy.add(peer)
  }
}
