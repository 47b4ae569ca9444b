/**
 * The PlumTree broadcast protocol of one topic: payloads go at once to eager peers, which over time become the edges of a
 * spanning tree, and their ids go in batches to lazy peers, who ask for what the tree failed to bring them. It knows nothing
 * of membership but which peers are neighbours now: each is either eager or lazy.
 *
 * Source: Leitão, Pereira, Rodrigues, "Epidemic Broadcast Trees", SRDS 2007 (page numbers below are that paper's), in the
 * form that iroh-gossip 0.101 gave it (`src/proto/plumtree.rs`). Where this differs from iroh-gossip, the bytes are the same
 * and the comment says why.
 */
import type { BroadcastConfig } from "./Config.ts"
import type { TopicEvent } from "./Event.ts"
import type { DeliveryScope, Gossip, GossipMessage, Graft, IHave, IHaveEntry, PeerKey, Prune } from "./Message.ts"
import { MessageHistory } from "./MessageHistory.ts"
import * as MessageId from "./MessageId.ts"
import type { TopicIo } from "./TopicIo.ts"

const prune: Prune = { _tag: "Prune" }
const neighborsScope: DeliveryScope = { _tag: "Neighbors" }
const fromAuthor: DeliveryScope = { _tag: "Swarm", round: 0 }
const maxRound = 0xffff

/** An announced payload: who has it, the first to tell first, each with the hops it had come there. */
type Announcement<P> = { readonly peer: P; readonly round: number }

export interface PlumTreeIo<P extends PeerKey> extends TopicIo<P> {
  readonly received: (event: Extract<TopicEvent<P>, { readonly _tag: "Received" }>) => void
}

export class PlumTree<P extends PeerKey> {
  readonly eager = new Set<P>()
  readonly lazy = new Set<P>()
  private readonly io: PlumTreeIo<P>
  private readonly config: BroadcastConfig
  /** Ids that one IHave holds. */
  private readonly batchSize: number
  private readonly lazyQueue = new Map<P, Array<IHaveEntry>>()
  private dispatchScheduled = false
  private evictScheduled = false
  /** Payloads that we know of and do not have. Each has a SendGraft timer, so that none stays here for long. */
  private readonly missing = new Map<MessageId.MessageId, Array<Announcement<P>>>()
  /** What we had. The payloads are ready to be sent: the round is already the next one. */
  private readonly history: MessageHistory
  /** What we broadcast of late, the oldest first, and when. */
  private lastWords: Array<{ readonly id: MessageId.MessageId; readonly at: number }> = []

  constructor(options: {
    readonly io: PlumTreeIo<P>
    readonly config: BroadcastConfig
    readonly maxMessageSize: number
  }) {
    const { config } = options
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
    })
  }

  /** Bounds that tests hold us to. */
  get sizes() {
    const { history, lazyQueue, missing } = this
    return { missing: missing.size, seen: history.size, cache: history.payloadSize, lazyQueue: lazyQueue.size }
  }

  /** New neighbours are eager (p. 7). */
  neighborUp(peer: P): void {
    this.lazy.delete(peer)
    this.eager.add(peer)
  }

  /** "The record of IHAVE messages sent from failed members is deleted from the missing history" (p. 9). */
  neighborDown(peer: P): void {
    this.eager.delete(peer)
    this.lazy.delete(peer)
    // iroh-gossip leaves the queue, and opens a connection to the peer that left to announce payloads to it.
    this.lazyQueue.delete(peer)
    for (const [id, announcements] of this.missing) {
      const rest = announcements.filter((announcement) => announcement.peer !== peer)
      if (rest.length === announcements.length) continue
      if (rest.length > 0) this.missing.set(id, rest)
      else this.missing.delete(id)
    }
  }

  /** Sends our own content to the swarm, or to the neighbours and no further. */
  broadcast(content: Uint8Array, scope: "swarm" | "neighbors", now: number): void {
    const id = MessageId.ofContent(content)
    if (scope === "neighbors") {
      const message: Gossip = { _tag: "Gossip", id, content, scope: neighborsScope }
      this.push(message)
      // Lazy neighbours too: no id is announced for this scope. iroh-gossip leaves them out.
      for (const peer of this.lazy) this.io.send(peer, message)
      return
    }
    const message: Gossip = { _tag: "Gossip", id, content, scope: fromAuthor }
    this.remember(message, now)
    if (this.lazy.size > 0) this.lastWords.push({ id, at: now })
    this.announce(id, 0)
    this.push(message)
  }

  /**
   * Before we leave: lazy peers get the payloads that they have only been told of, or were about to be, since soon nobody will
   * be here to be asked for them. iroh-gossip leaves without, and a last message may reach no one.
   */
  leave(now: number): void {
    this.forgetLastWords(now)
    for (const peer of this.lazy) {
      const ids = new Set(this.lastWords.map(({ id }) => id))
      for (const { id } of this.lazyQueue.get(peer) ?? []) ids.add(id)
      for (const id of ids) {
        const payload = this.history.payload(id)
        if (payload !== undefined) this.io.send(peer, payload)
      }
    }
  }

  /** An announcement is answered within both graft time-outs, and the time on the way as long again. */
  private forgetLastWords(now: number): void {
    const { dispatchTimeoutMs, graftTimeout1Ms, graftTimeout2Ms } = this.config
    const since = now - 2 * (dispatchTimeoutMs + graftTimeout1Ms + graftTimeout2Ms)
    this.lastWords = this.lastWords.filter(({ at }) => at >= since)
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
        this.onIHave(from, message)
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
   * An announced payload has not come: ask the first peer that announced it, and after a second, shorter time the next one
   * (p. 9).
   */
  onGraftTimer(id: MessageId.MessageId): void {
    const announcements = this.missing.get(id)
    if (announcements === undefined) return
    const next = announcements.shift()
    if (next === undefined) {
      // All were asked in vain. A later announcement starts anew; iroh-gossip keeps the empty entry for good.
      this.missing.delete(id)
      return
    }
    this.makeEager(next.peer)
    this.io.send(next.peer, { _tag: "Graft", id, round: next.round })
    this.io.schedule(this.config.graftTimeout2Ms, { _tag: "SendGraft", id })
  }

  onEvictTimer(now: number): void {
    this.history.evict(now)
    this.forgetLastWords(now)
    this.evictScheduled = this.history.size > 0 || this.lastWords.length > 0
    if (this.evictScheduled) this.io.schedule(this.config.cacheEvictIntervalMs, { _tag: "EvictCache" })
  }

  /** In iroh-gossip the timer never stops; a topic in which nobody speaks has nothing to evict. */
  private remember(message: Gossip, now: number): void {
    this.history.add(message, now)
    if (this.evictScheduled) return
    this.evictScheduled = true
    this.io.schedule(this.config.cacheEvictIntervalMs, { _tag: "EvictCache" })
  }

  private onGossip(from: P, message: Gossip, now: number): void {
    const { content, id, scope } = message
    // Before the hash is checked, which costs far more: for content that we had, it makes no difference.
    if (this.history.has(id)) {
      this.io.stats.duplicatePayloads++
      // A payload for neighbours says nothing about the tree; iroh-gossip prunes its sender all the same.
      if (scope._tag === "Swarm" && this.isNeighbor(from)) {
        this.makeLazy(from)
        this.io.send(from, prune)
      }
      return
    }
    if (MessageId.ofContent(content) !== id) {
      this.io.stats.forgedPayloads++
      return
    }
    if (scope._tag === "Neighbors") {
      this.io.received({ _tag: "Received", id, content, deliveredFrom: from, scope: "neighbors", round: 0 })
      return
    }
    const round = Math.min(scope.round + 1, maxRound)
    const onward: Gossip = { _tag: "Gossip", id, content, scope: { _tag: "Swarm", round } }
    this.remember(onward, now)
    this.push(onward, from)
    this.announce(id, round, from)
    const announcements = this.missing.get(id)
    if (announcements !== undefined) {
      this.missing.delete(id)
      this.optimize(from, round, announcements)
    }
    this.io.stats.maxLastDeliveryHop = Math.max(this.io.stats.maxLastDeliveryHop, scope.round)
    this.io.received({ _tag: "Received", id, content, deliveredFrom: from, scope: "swarm", round: scope.round })
  }

  /** Puts a peer that had the payload after much fewer hops in the place of the one that brought it (p. 9). */
  private optimize(from: P, round: number, announcements: ReadonlyArray<Announcement<P>>): void {
    let best: Announcement<P> | undefined
    for (const announcement of announcements)
      if (best === undefined || announcement.round < best.round) best = announcement
    // At least one hop nearer even when the threshold is 0.
    if (best === undefined || round - best.round < Math.max(1, this.config.optimizationThreshold)) return
    if (this.isNeighbor(best.peer) && !this.eager.has(best.peer)) {
      this.makeEager(best.peer)
      this.io.send(best.peer, { _tag: "Graft", id: undefined, round: best.round })
    }
    if (this.isNeighbor(from)) {
      this.makeLazy(from)
      this.io.send(from, prune)
    }
  }

  private onGraft(from: P, message: Graft): void {
    // Someone who is no neighbour must not become an edge of the tree: iroh-gossip sends it payloads ever after.
    if (!this.isNeighbor(from)) {
      this.io.stats.droppedMessages++
      return
    }
    this.makeEager(from)
    if (message.id === undefined) return
    const payload = this.history.payload(message.id)
    if (payload !== undefined) this.io.send(from, payload)
  }

  /** "It simply marks the corresponding message as missing. It then starts a timer" (p. 8). */
  private onIHave(from: P, message: IHave): void {
    if (!this.isNeighbor(from)) {
      this.io.stats.droppedMessages++
      return
    }
    for (const { id, round } of message.messages) {
      if (this.history.has(id)) continue
      const announcements = this.missing.get(id)
      if (announcements === undefined) {
        this.missing.set(id, [{ peer: from, round }])
        this.io.schedule(this.config.graftTimeout1Ms, { _tag: "SendGraft", id })
      } else if (!announcements.some((announcement) => announcement.peer === from)) {
        announcements.push({ peer: from, round })
      }
    }
  }

  private push(message: Gossip, except?: P): void {
    for (const peer of this.eager) if (peer !== except) this.io.send(peer, message)
  }

  /** Queues the id for the lazy peers, to go out with others in one message. */
  private announce(id: MessageId.MessageId, round: number, except?: P): void {
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
