/**
 * Gives every event to any number of subscribers, each with an EventQueue of its own. A slow subscriber either loses its oldest
 * events and learns how many, or makes the publisher wait. Effect's PubSub does not count what a subscriber lost.
 */
import { EventQueue } from "@topic-tracker/common"
import type { SubscribeOptions } from "@topic-tracker/gossip"
import { Effect, Latch, type Scope, Stream } from "effect"

export interface EventHubOptions<A> {
  /** Makes the event that reports to a subscriber how many events it lost. Without it a loss is silent. */
  readonly lagged?: (skipped: number) => A
  /** The number of past events that a new subscriber gets first. Default 0. */
  readonly replay?: number
  /** Copies an event for each subscriber but the first, so that no subscriber can change the events of another. Default: no copy. */
  readonly copy?: (event: A) => A
}

interface Subscriber<A> {
  readonly queue: EventQueue<A>
  /** Open while the publisher may go on. Only a subscriber with backpressure ever closes it. */
  readonly room: Latch.Latch
}

/** For subscribers that drop events: a Latch takes half a kilobyte, and every topic has such a subscriber. */
const ALWAYS_OPEN = Latch.makeUnsafe(true)

const DEFAULT_CAPACITY = 64

export class EventHub<A> {
  readonly #options: EventHubOptions<A>
  readonly #subscribers = new Set<Subscriber<A>>()
  readonly #past: Array<A> = []
  /** Queues whose reader waits and has something to read since the last {@link #wakeReaders}. */
  #ready: Array<EventQueue<A>> = []
  readonly #onReady = (queue: EventQueue<A>) => void this.#ready.push(queue)
  #isEnded = false

  constructor(options: EventHubOptions<A> = {}) {
    this.#options = options
  }

  get subscriberCount(): number {
    return this.#subscribers.size
  }

  /** The events that wait for the subscriber that has most of them. */
  get mostWaiting(): number {
    let most = 0
    for (const { queue } of this.#subscribers) most = Math.max(most, queue.size)
    return most
  }

  /** Gives the events to every subscriber. Waits while a subscriber with backpressure is full. Does nothing after {@link end}. */
  publish(events: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isEnded || events.length === 0) return Effect.void
      this.#rememberPast(events)
      if (this.#subscribers.size === 0) return Effect.void
      // Subscribers that drop events come first: they never make the others wait.
      const dropping = [...this.#subscribers].filter(({ queue }) => !queue.hasBackpressure)
      const withBackpressure = [...this.#subscribers].filter(({ queue }) => queue.hasBackpressure)
      dropping.forEach(({ queue }, index) => {
        for (const event of this.#eventsOf(index, events)) queue.push(event)
      })
      const given = this.#wakeReaders
      if (withBackpressure.length === 0) return given
      const waits = Effect.forEach(
        withBackpressure,
        (subscriber, index) => this.#giveWithBackpressure(subscriber, this.#eventsOf(dropping.length + index, events)),
        { discard: true },
      )
      return Effect.andThen(given, waits)
    })
  }

  /** Like {@link publish}, but never waits: for a few last events, which may exceed the capacity of a full subscriber. */
  publishAtOnce(events: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isEnded || events.length === 0) return Effect.void
      this.#rememberPast(events)
      for (const { queue } of this.#subscribers) for (const event of events) queue.push(event)
      return this.#wakeReaders
    })
  }

  /** The events as the subscriber of this index gets them. */
  #eventsOf(index: number, events: ReadonlyArray<A>): ReadonlyArray<A> {
    const { copy } = this.#options
    return index === 0 || copy === undefined ? events : events.map(copy)
  }

  #rememberPast(events: ReadonlyArray<A>): void {
    const { replay = 0 } = this.#options
    if (replay === 0) return
    this.#past.push(...events)
    if (this.#past.length > replay) this.#past.splice(0, this.#past.length - replay)
  }

  #giveWithBackpressure({ queue, room }: Subscriber<A>, events: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.forEach(
      events,
      (event) =>
        Effect.andThen(room.await, () => {
          if (queue.push(event)) room.closeUnsafe()
          return this.#wakeReaders
        }),
      { discard: true },
    )
  }

  /** Wakes the readers in the next turn of the scheduler: they must not run inside the publisher. */
  readonly #wakeReaders: Effect.Effect<void> = Effect.withFiber((fiber) => {
    const ready = this.#ready
    if (ready.length > 0) {
      this.#ready = []
      fiber.currentDispatcher.scheduleTask(() => {
        for (const queue of ready) queue.resume()
      }, 0)
    }
    return Effect.void
  })

  /**
   * Subscribes now, until the hub ends or the Scope closes. The stream then ends after the events that wait. `first`: events that
   * come before all others.
   */
  subscribe(
    options?: SubscribeOptions,
    first?: () => ReadonlyArray<A>,
  ): Effect.Effect<Stream.Stream<A>, never, Scope.Scope> {
    return Effect.map(this.#acquire(options, first), ({ queue, room }) => {
      if (!queue.hasBackpressure) return queue.stream
      const pull = Effect.flatMap(queue.pull, (events) => Effect.as(room.open, events))
      return Stream.fromPull(Effect.succeed(pull))
    })
  }

  /**
   * Keeps the last `capacity` events from now on for a later subscriber, and counts those it drops. The returned function takes
   * them. After that, or when the Scope closes, nothing is kept any more.
   */
  keep(capacity: number): Effect.Effect<() => ReadonlyArray<A>, never, Scope.Scope> {
    return Effect.map(this.#acquire({ capacity }), (subscriber) => () => {
      this.#remove(subscriber)
      return subscriber.queue.takeAll()
    })
  }

  #acquire(
    { capacity = DEFAULT_CAPACITY, whenSlow = "drop-oldest" }: SubscribeOptions = {},
    first?: () => ReadonlyArray<A>,
  ): Effect.Effect<Subscriber<A>, never, Scope.Scope> {
    const acquire = Effect.sync((): Subscriber<A> => {
      const { lagged } = this.#options
      const queue = new EventQueue<A>({
        capacity,
        whenFull: whenSlow,
        initial: [...this.#past, ...(first?.() ?? [])],
        onReady: this.#onReady,
        ...(lagged === undefined ? {} : { lagged }),
      })
      const subscriber = { queue, room: whenSlow === "backpressure" ? Latch.makeUnsafe(true) : ALWAYS_OPEN }
      if (this.#isEnded) queue.close()
      else this.#subscribers.add(subscriber)
      return subscriber
    })
    return Effect.acquireRelease(acquire, (subscriber) => {
      this.#remove(subscriber)
      return Effect.andThen(subscriber.room.open, this.#wakeReaders)
    })
  }

  #remove(subscriber: Subscriber<A>): void {
    subscriber.queue.close()
    this.#subscribers.delete(subscriber)
  }

  /** Subscribes when the stream runs. */
  stream(options?: SubscribeOptions): Stream.Stream<A> {
    return Stream.unwrap(this.subscribe(options))
  }

  /** Ends every stream after the events that wait for it, and releases a publisher that waits. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    this.#isEnded = true
    const subscribers = [...this.#subscribers]
    for (const subscriber of subscribers) this.#remove(subscriber)
    const release = Effect.forEach(subscribers, ({ room }) => room.open, { discard: true })
    return Effect.andThen(this.#wakeReaders, release)
  })
}
