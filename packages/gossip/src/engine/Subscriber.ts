/**
 * One subscriber's buffer of events: a plain array between the engine, which pushes, and the fiber that reads the stream,
 * which takes all there is at once. Nothing of Effect runs while events are pushed.
 */
import { Cause, Effect, type Pull, Stream } from "effect"
import type { GossipEvent, SubscribeOptions } from "../model.ts"

/** What a subscriber tells its topic. */
export interface SubscriberOwner {
  /** A fiber waits for events that are there: to be woken when the engine has done its turn. */
  readonly wake: (subscriber: Subscriber) => void
  /** Its buffer has room again after it was full. */
  readonly drained: (subscriber: Subscriber) => void
  readonly lagged: (skipped: number) => void
}

/** Events that a subscriber that holds back can have in hand beyond its capacity, which only neighbours' changes fill. */
const holdBackReserve = 1_024

export class Subscriber {
  readonly holdsBack: boolean
  private readonly capacity: number
  private readonly owner: SubscriberOwner
  private buffer: Array<GossipEvent> = []
  private skipped = 0
  private full = false
  private closed = false
  private waiting: (() => void) | undefined

  constructor(owner: SubscriberOwner, options: Required<SubscribeOptions>) {
    this.owner = owner
    this.capacity = options.capacity
    this.holdsBack = options.whenSlow === "backpressure"
  }

  /** Adds an event. True when the buffer is full from this one on: the reader should get a turn before the next. */
  push(event: GossipEvent): boolean {
    if (this.closed) return false
    const limit = this.holdsBack ? this.capacity + holdBackReserve : this.capacity
    if (this.buffer.length >= limit) {
      this.buffer.shift()
      this.skipped++
      this.owner.lagged(1)
    }
    this.buffer.push(event)
    if (this.waiting !== undefined && this.buffer.length === 1) this.owner.wake(this)
    if (this.full || this.buffer.length < this.capacity) return false
    this.full = true
    return true
  }

  /** No more events: the stream ends after those that are there. */
  close(): void {
    this.closed = true
    if (this.waiting !== undefined) this.owner.wake(this)
  }

  /** Drops everything: the subscription is over, and so is the stream for whoever should still read it. */
  discard(): void {
    this.closed = true
    this.buffer = []
    this.skipped = 0
    this.becameEmpty()
    this.resume()
  }

  /** Lets a waiting reader go on. */
  resume(): void {
    const waiting = this.waiting
    this.waiting = undefined
    waiting?.()
  }

  /** Whether the reader has not taken anything since the buffer filled up. */
  get isFull(): boolean {
    return this.full
  }

  /** The events as a stream; to be run once. */
  get stream(): Stream.Stream<GossipEvent> {
    return Stream.fromPull(Effect.succeed(this.pull))
  }

  private readonly pull: Pull.Pull<readonly [GossipEvent, ...Array<GossipEvent>]> = Effect.suspend(() => {
    const events = this.take()
    if (events !== undefined) return Effect.succeed(events)
    if (this.closed) return Cause.done()
    return Effect.callback<void>((resume) => {
      this.waiting = () => resume(Effect.void)
      return Effect.sync(() => {
        this.waiting = undefined
      })
    }).pipe(Effect.andThen(this.pull))
  })

  private take(): readonly [GossipEvent, ...Array<GossipEvent>] | undefined {
    const events = this.buffer
    if (this.skipped > 0) events.unshift({ _tag: "Lagged", skipped: this.skipped })
    const [first, ...rest] = events
    if (first === undefined) return undefined
    this.buffer = []
    this.skipped = 0
    this.becameEmpty()
    return [first, ...rest]
  }

  private becameEmpty(): void {
    if (!this.full) return
    this.full = false
    this.owner.drained(this)
  }
}
