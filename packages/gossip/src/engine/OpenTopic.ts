/**
 * A topic that is open on this node: its subscribers, its neighbours, the protocol's timers for it, and its flow control, that is
 * whether its streams may be read and whether broadcasts must wait.
 */
import { EventQueue, type Timer } from "@topic-tracker/common"
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { GossipEvent, OpenOptions, SubscribeOptions } from "../model.ts"
import type { ContentValidator, Timer as ProtocolTimer, TopicEvent } from "../protocol/index.ts"
import type { EngineContext } from "./context.ts"
import type { SendQueue } from "./SendQueue.ts"

/** Events that may wait beyond the capacity of a subscriber with backpressure. Only changes of neighbours use this reserve. */
const BACKPRESSURE_RESERVE = 1_024

/** A stream's reader that waits until the topic may be read again. */
export interface PausedReader {
  readonly proceed: () => void
}

export class OpenTopic {
  readonly id: TopicId
  readonly validate: ContentValidator | undefined
  readonly neighbors = new Set<EndpointId.EndpointId>()
  /** A subscriber's queue has just filled up: the subscriber should get a turn to read before the next message is handed on. */
  hasFreshlyFull = false
  isClosed = false
  private readonly context: EngineContext
  private readonly options: OpenOptions
  private readonly subscribers = new Set<EventQueue<GossipEvent>>()
  private readonly timers = new Set<Timer>()
  private readonly paused = new Set<PausedReader>()
  /** Queues with more than `sendQueueBytes` that the topic waits for. */
  private readonly congested = new Set<SendQueue>()
  /** Queues that stayed congested for too long. */
  private readonly slow = new Set<SendQueue>()
  /** Subscribers with backpressure whose queue is full. */
  private fullCount = 0
  private waiters = new Set<() => void>()

  /** Waits of broadcasts for queues below a number of bytes. */
  private roomWaiters: Array<{ readonly bytes: number; readonly run: (hasRoom: boolean) => void }> = []

  constructor(context: EngineContext, id: TopicId, options: OpenOptions) {
    this.context = context
    this.id = id
    this.options = options
    const { validate } = options
    this.validate = validate && timed(context, validate)
    options.gate?.whenReleased(() => this.resumePaused())
  }

  /**
   * Whether messages from this peer may be read. They may not while a subscriber with backpressure is full, nor while the queue to
   * another peer is congested, because this peer's messages may have to go there. A slow queue holds no other peer back. The congested
   * peer itself is read: two peers that flood each other would otherwise wait for each other for ever. It is read only until its queue
   * is overfull, because a peer that sends requests and never reads the answers would fill our memory with them.
   */
  mayRead(from: EndpointId.EndpointId): boolean {
    if (this.isClosed) return true
    if (this.fullCount > 0 || this.options.gate?.isHeld === true) return false
    if (this.congested.size > 0) {
      for (const queue of this.congested) if (queue.target.id !== from || queue.isOverfull) return false
    }
    if (this.slow.size > 0) {
      for (const queue of this.slow) if (queue.target.id === from && queue.isOverfull) return false
    }
    return true
  }

  /** Runs the reader's `proceed` when the topic may be read again. */
  pause(reader: PausedReader): void {
    this.paused.add(reader)
  }

  /** Removes a paused reader if more than `limit` are paused. Returns whether it did. */
  dropPaused(reader: PausedReader, limit: number): boolean {
    return this.paused.size > limit && this.paused.delete(reader)
  }

  get hasFullSubscriber(): boolean {
    for (const subscriber of this.subscribers) if (subscriber.isFull) return true
    return false
  }

  /** Whether broadcasts wait: for a queue that is congested, or because all neighbours are slow. */
  get isCongested(): boolean {
    return this.congested.size > 0 || this.areAllSlow
  }

  /** Whether there is no neighbour that takes payloads at the moment. */
  get areAllSlow(): boolean {
    if (this.slow.size === 0 || this.slow.size < this.neighbors.size) return false
    let count = 0
    for (const queue of this.slow) if (this.neighbors.has(queue.target.id)) count++
    return count > 0 && count === this.neighbors.size
  }

  subscribe({ capacity, whenSlow }: Required<SubscribeOptions>): EventQueue<GossipEvent> {
    const { counters, turn } = this.context
    const queue = new EventQueue<GossipEvent>({
      capacity,
      whenFull: whenSlow,
      reserve: BACKPRESSURE_RESERVE,
      lagged: (skipped) => ({ _tag: "Lagged", skipped }),
      onDropped: () => counters.lagged++,
      onReady: (ready) => turn.wakeAtEnd(ready),
      onDrained: (drained) => {
        if (drained.hasBackpressure && --this.fullCount === 0) this.resumePaused()
      },
    })
    this.subscribers.add(queue)
    return queue
  }

  unsubscribe(subscriber: EventQueue<GossipEvent>): void {
    this.subscribers.delete(subscriber)
    subscriber.discard()
  }

  emit(event: TopicEvent): void {
    if (event._tag === "NeighborUp") this.neighbors.add(event.peer)
    else if (event._tag === "NeighborDown") this.neighbors.delete(event.peer)
    if (this.waiters.size > 0) this.resumeWaitersIfRelieved()
    if (event._tag === "Received" && this.options.emitsContents === false) return
    for (const subscriber of this.subscribers) {
      if (!subscriber.push(event._tag === "Received" ? withOwnContent(event) : event)) continue
      this.hasFreshlyFull = true
      if (subscriber.hasBackpressure) this.fullCount++
    }
  }

  /** Starts a timer of the protocol. It is cancelled when the topic closes. */
  schedule(delayMs: number, protocolTimer: ProtocolTimer): void {
    const timer = this.context.timers.schedule(delayMs, () => {
      this.timers.delete(timer)
      this.context.dispatch({ _tag: "TimerExpired", timer: protocolTimer })
    })
    this.timers.add(timer)
  }

  /** Runs once when broadcasts need not wait any more, or the topic is closed. Returns a function that cancels it. */
  onceRelieved(run: () => void): () => void {
    this.waiters.add(run)
    return () => void this.waiters.delete(run)
  }

  /**
   * Runs once: with true when no queue has so many bytes any more, with false when the time is over or the topic is closed. The caller asks
   * for the fullest queue before. Returns a function that cancels it.
   */
  onceRoom(
    { bytes, withinMs }: { readonly bytes: number; readonly withinMs: number },
    run: (hasRoom: boolean) => void,
  ): () => void {
    const { timers } = this.context
    const waiter = {
      bytes,
      run: (hasRoom: boolean) => {
        timers.cancel(timer)
        timers.runSoon(() => run(hasRoom))
      },
    }
    const cancel = () => {
      this.roomWaiters = this.roomWaiters.filter((each) => each !== waiter)
      timers.cancel(timer)
    }
    const timer = timers.schedule(withinMs, () => {
      cancel()
      run(false)
    })
    this.roomWaiters.push(waiter)
    return cancel
  }

  /** A queue of the topic has become shorter. `fullest` gives the bytes of the longest one. */
  drained(fullest: () => number): void {
    if (this.roomWaiters.length === 0) return
    const bytes = fullest()
    const ready = this.roomWaiters.filter((waiter) => bytes < waiter.bytes)
    if (ready.length === 0) return
    this.roomWaiters = this.roomWaiters.filter((waiter) => bytes >= waiter.bytes)
    for (const { run } of ready) run(true)
  }

  addCongested(queue: SendQueue): void {
    this.congested.add(queue)
  }

  /** The topic goes on without this queue. */
  markSlow(queue: SendQueue): void {
    this.congested.delete(queue)
    this.slow.add(queue)
    this.resumeAll()
  }

  removeCongested(queue: SendQueue): void {
    this.congested.delete(queue)
    this.slow.delete(queue)
    this.resumeAll()
  }

  /** Ends the subscribers' streams, the timers and all waiting. */
  close(): void {
    this.isClosed = true
    for (const timer of this.timers) this.context.timers.cancel(timer)
    this.timers.clear()
    this.congested.clear()
    this.slow.clear()
    for (const subscriber of this.subscribers) subscriber.close()
    this.subscribers.clear()
    this.resumeWaiters()
    for (const { run } of this.roomWaiters) run(false)
    this.roomWaiters = []
    this.resumePaused()
  }

  private resumeAll(): void {
    this.resumeWaitersIfRelieved()
    this.resumePaused()
  }

  private resumeWaitersIfRelieved(): void {
    if (!this.isCongested) this.resumeWaiters()
  }

  // Both resume in the next turn of the scheduler: the call may come from a subscriber's fiber or while a peer is being removed.

  private resumeWaiters(): void {
    for (const waiter of this.waiters) this.context.timers.runSoon(waiter)
    this.waiters.clear()
  }

  /** Readers that still may not read pause again. */
  private resumePaused(): void {
    for (const reader of this.paused) this.context.timers.runSoon(() => reader.proceed())
    this.paused.clear()
  }
}

/** The event with bytes of its own: what a subscriber writes into them reaches neither other subscribers nor the messages kept for Grafts. */
const withOwnContent = (event: Extract<TopicEvent, { readonly _tag: "Received" }>): typeof event => ({
  _tag: "Received",
  id: event.id,
  content: event.content.slice(),
  deliveredFrom: event.deliveredFrom,
  scope: event.scope,
  round: event.round,
})

/** The validator; the time that it takes for a content that it does not accept is counted. */
const timed =
  ({ load, timers }: EngineContext, validate: ContentValidator): ContentValidator =>
  (from, content, scope) => {
    const began = timers.now()
    const verdict = validate(from, content, scope)
    if (verdict !== "accept") load.refusingMs += timers.now() - began
    return verdict
  }
