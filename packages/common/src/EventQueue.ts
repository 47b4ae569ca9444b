/**
 * A bounded queue of events between code that pushes synchronously and one fiber that reads a Stream. The reader takes all waiting
 * events at once. A push runs no Effect, so a protocol engine can push from its hot path.
 *
 * It differs from Effect's `Queue` and `PubSub` in two ways: a reader that is too slow learns how many events it lost, and the side
 * that pushes learns when the queue is full and when it was drained.
 */
import { Cause, Effect, type Pull, Stream } from "effect"

/**
 * The capacity of a queue, and its behaviour when the reader is slow.
 *
 * @since 0.1.0
 * @category options
 */
export interface EventQueueOptions<A> {
  /** The queue is full at this number of waiting events. At least 1. */
  readonly capacity: number
  /**
   * - `drop-oldest`: a push into a full queue drops the oldest event; the reader gets {@link EventQueueOptions.lagged} first.
   * - `backpressure`: the side that pushes must stop while {@link EventQueue.isFull}.
   */
  readonly whenFull: "drop-oldest" | "backpressure"
  /** With `backpressure`: events that may still be pushed into a full queue before the oldest is dropped. Default: unlimited. */
  readonly reserve?: number
  /** Events that wait from the start, also more than `capacity`. Default: none. */
  readonly initial?: ReadonlyArray<A>
  /** Makes the event that reports to the reader how many events were dropped. Without it a loss is silent. */
  readonly lagged?: (skipped: number) => A
  /** Runs for every dropped event, for counters. */
  readonly onDropped?: () => void
  /** Runs when a waiting reader has something to read. Call {@link EventQueue.resume} then. Default: resumes at once. */
  readonly onReady?: (queue: EventQueue<A>) => void
  /** Runs when a queue that was full is empty again. */
  readonly onDrained?: (queue: EventQueue<A>) => void
}

/**
 * A queue with one reader. {@link EventQueue.push} never waits.
 *
 * @since 0.1.0
 * @category models
 */
export class EventQueue<A> {
  readonly #options: EventQueueOptions<A>
  #events: Array<A> = []
  #skipped = 0
  #isFull = false
  #isClosed = false
  #waiting: (() => void) | undefined

  constructor(options: EventQueueOptions<A>) {
    this.#options = options
    if (options.initial !== undefined) this.#events.push(...options.initial)
  }

  /** Whether the side that pushes has to stop while this queue is full. */
  get hasBackpressure(): boolean {
    return this.#options.whenFull === "backpressure"
  }

  /** Whether the queue filled up and the reader has not read since. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** The events that wait. */
  get size(): number {
    return this.#events.length
  }

  /** Adds an event; does nothing after {@link close}. Returns true if this event made the queue full. */
  push(event: A): boolean {
    if (this.#isClosed) return false
    const { capacity, reserve = Number.POSITIVE_INFINITY } = this.#options
    const limit = this.hasBackpressure ? capacity + reserve : capacity
    for (let surplus = this.#events.length - limit + 1; surplus > 0; surplus--) {
      this.#events.shift()
      this.#skipped++
      this.#options.onDropped?.()
    }
    this.#events.push(event)
    if (this.#events.length === 1) this.#ready()
    if (this.#isFull || this.#events.length < capacity) return false
    this.#isFull = true
    return true
  }

  /** Ends the stream after the events that wait. */
  close(): void {
    this.#isClosed = true
    this.#ready()
  }

  /** Drops all waiting events and ends the stream at once. */
  discard(): void {
    this.#isClosed = true
    this.#events = []
    this.#skipped = 0
    this.#drained()
    this.resume()
  }

  /** Wakes the reader if it waits. */
  resume(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  /** Takes all waiting events; a report of dropped events comes first. */
  takeAll(): Array<A> {
    const events = this.#events
    const { lagged } = this.#options
    if (this.#skipped > 0 && lagged !== undefined) events.unshift(lagged(this.#skipped))
    this.#events = []
    this.#skipped = 0
    if (events.length > 0) this.#drained()
    return events
  }

  /** All waiting events, at least one; waits for the first. Ends after {@link close}. For one reader. */
  readonly pull: Pull.Pull<readonly [A, ...Array<A>]> = Effect.suspend(() => {
    const [first, ...rest] = this.takeAll()
    if (first !== undefined) return Effect.succeed([first, ...rest] as const)
    if (this.#isClosed) return Cause.done()
    return Effect.callback<void>((resume) => {
      this.#waiting = () => resume(Effect.void)
      return Effect.sync(() => {
        this.#waiting = undefined
      })
    }).pipe(Effect.andThen(this.pull))
  })

  /** The events as a stream. Run it once. */
  get stream(): Stream.Stream<A> {
    return Stream.fromPull(Effect.succeed(this.pull))
  }

  #ready(): void {
    if (this.#waiting === undefined) return
    const { onReady } = this.#options
    if (onReady === undefined) this.resume()
    else onReady(this)
  }

  #drained(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#options.onDrained?.(this)
  }
}
