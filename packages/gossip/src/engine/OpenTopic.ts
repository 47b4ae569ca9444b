/**
 * A topic that is open here: who listens, who the neighbours are, which timers run for it, and whether it must hold back.
 */

import type { Timer } from "@topic-tracker/common"
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { GossipEvent, SubscribeOptions } from "../model.ts"
import type { TopicEvent } from "../protocol/index.ts"
import type { Engine } from "./Engine.ts"
import type { Outbound } from "./Outbound.ts"
import type { Receiver } from "./Receiver.ts"
import { Subscriber, type SubscriberOwner } from "./Subscriber.ts"

export class OpenTopic implements SubscriberOwner {
  readonly id: TopicId
  readonly neighbors = new Set<EndpointId.EndpointId>()
  readonly timers = new Set<Timer>()
  /** Queues that are longer than they should be. */
  readonly congested = new Set<Outbound>()
  /** Streams that wait until the topic takes messages again. */
  readonly paused = new Set<Receiver>()
  /** A subscriber's buffer has just filled up: it should get a turn to read. */
  turnDue = false
  isClosed = false
  private readonly engine: Engine
  private readonly subscribers = new Set<Subscriber>()
  private holding = 0
  private waiters: Array<() => void> = []

  constructor(engine: Engine, id: TopicId) {
    this.engine = engine
    this.id = id
  }

  /**
   * Whether messages from this peer may be read. Not while a subscriber holds back. Nor while the way to another peer is
   * congested, since what comes from here may have to go there; the congested peer itself is read on, or two that flood
   * each other would wait for each other for ever. But not without end: who asks and asks and never takes the answers would
   * fill our memory with them.
   */
  mayRead(from: EndpointId.EndpointId): boolean {
    if (this.isClosed) return true
    if (this.holding > 0) return false
    if (this.congested.size === 0) return true
    for (const outbound of this.congested) if (outbound.peer.id !== from || outbound.isOverfull) return false
    return true
  }

  get hasFullSubscriber(): boolean {
    for (const subscriber of this.subscribers) if (subscriber.isFull) return true
    return false
  }

  subscribe(options: Required<SubscribeOptions>): Subscriber {
    const subscriber = new Subscriber(this, options)
    this.subscribers.add(subscriber)
    return subscriber
  }

  unsubscribe(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber)
    subscriber.discard()
  }

  emit(event: TopicEvent): void {
    if (event._tag === "NeighborUp") this.neighbors.add(event.peer)
    else if (event._tag === "NeighborDown") this.neighbors.delete(event.peer)
    const told: GossipEvent = event
    for (const subscriber of this.subscribers) {
      if (!subscriber.push(told)) continue
      this.turnDue = true
      if (subscriber.holdsBack) this.holding++
    }
  }

  /** Runs once nothing is congested, or the topic is closed. The answer takes it back. */
  onceRelieved(run: () => void): () => void {
    this.waiters.push(run)
    return () => {
      this.waiters = this.waiters.filter((waiter) => waiter !== run)
    }
  }

  relievedBy(outbound: Outbound): void {
    this.congested.delete(outbound)
    if (this.congested.size === 0) this.resumeWaiters()
    this.resumePaused()
  }

  /** No more events, timers or waiting. */
  close(): void {
    this.isClosed = true
    for (const timer of this.timers) this.engine.timers.cancel(timer)
    this.timers.clear()
    this.congested.clear()
    for (const subscriber of this.subscribers) subscriber.close()
    this.subscribers.clear()
    this.resumeWaiters()
    this.resumePaused()
  }

  wake(subscriber: Subscriber): void {
    this.engine.willWake(subscriber)
  }

  drained(subscriber: Subscriber): void {
    if (!subscriber.holdsBack || --this.holding > 0) return
    this.resumePaused()
  }

  lagged(skipped: number): void {
    this.engine.counters.lagged += skipped
  }

  // Neither resumes within the call, which may come from the middle of something: a subscriber's fiber, a peer being lost.

  private resumeWaiters(): void {
    for (const waiter of this.waiters) this.engine.timers.soon(waiter)
    this.waiters = []
  }

  /** Those that still may not read pause again. */
  private resumePaused(): void {
    for (const receiver of this.paused) this.engine.timers.soon(() => receiver.proceed())
    this.paused.clear()
  }
}
