/**
 * Hands each event to any number of subscribers, each with a queue of its own. A slow subscriber either loses its oldest
 * events, and hears how many, or holds the publisher back. Unlike Effect's PubSub it counts what each subscriber lost.
 */
import type { SubscribeOptions } from "@topic-tracker/gossip"
import { Cause, Effect, Latch, type Scope, Stream } from "effect"

export interface EventHubOptions<A> {
  /** The event that tells a subscriber how many it lost; without it the loss is silent. */
  readonly lagged?: (skipped: number) => A
  /** How many past events a new subscriber gets first. Default 0. */
  readonly replay?: number
}

interface Subscriber<A> {
  readonly capacity: number
  readonly holdsBack: boolean
  events: Array<A>
  skipped: number
  /** It left, or the hub ended: nothing is given to it, and nobody waits for it. */
  gone: boolean
  /** Open while there is something to take, or nothing will come any more. */
  readonly ready: Latch.Latch
  /** Open while there is room; only a subscriber that holds back ever closes it. */
  readonly room: Latch.Latch
}

/** For those who close none: a Latch takes half a kilobyte, and every topic has a subscriber. */
const alwaysOpen = Latch.makeUnsafe(true)

export class EventHub<A> {
  readonly #options: EventHubOptions<A>
  readonly #subscribers = new Set<Subscriber<A>>()
  readonly #past: Array<A> = []
  #ended = false

  constructor(options: EventHubOptions<A> = {}) {
    this.#options = options
  }

  get subscribers(): number {
    return this.#subscribers.size
  }

  /** Gives the events to every subscriber; waits while one that holds back has no room. After {@link end} it does nothing. */
  publish(events: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#ended || events.length === 0) return Effect.void
      this.#remember(events)
      if (this.#subscribers.size === 0) return Effect.void
      // First those for whom nobody waits.
      const inOrder = [...this.#subscribers].sort((a, b) => Number(a.holdsBack) - Number(b.holdsBack))
      return Effect.forEach(inOrder, (subscriber) => this.#give(subscriber, events), { discard: true })
    })
  }

  /** As {@link publish}, and waits for nobody: a few last events, which a subscriber that holds back gets beyond its capacity. */
  publishAtOnce(events: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#ended || events.length === 0) return Effect.void
      this.#remember(events)
      for (const subscriber of this.#subscribers) subscriber.events.push(...events)
      return Effect.forEach([...this.#subscribers], ({ ready }) => ready.open, { discard: true })
    })
  }

  #remember(events: ReadonlyArray<A>): void {
    const { replay = 0 } = this.#options
    if (replay === 0) return
    this.#past.push(...events)
    if (this.#past.length > replay) this.#past.splice(0, this.#past.length - replay)
  }

  #give(subscriber: Subscriber<A>, events: ReadonlyArray<A>): Effect.Effect<unknown> {
    if (subscriber.holdsBack) {
      return Effect.forEach(
        events,
        (event) =>
          Effect.andThen(subscriber.room.await, () => {
            if (subscriber.gone) return Effect.void
            subscriber.events.push(event)
            if (subscriber.events.length >= subscriber.capacity) subscriber.room.closeUnsafe()
            return subscriber.ready.open
          }),
        { discard: true },
      )
    }
    for (const event of events) subscriber.events.push(event)
    const surplus = subscriber.events.length - subscriber.capacity
    if (surplus > 0) {
      subscriber.events.splice(0, surplus)
      subscriber.skipped += surplus
    }
    return subscriber.ready.open
  }

  /**
   * Subscribes now, until the hub ends or the Scope closes; then the stream ends once it has given what it holds. `first` are
   * events that come before all others.
   */
  subscribe(
    options?: SubscribeOptions,
    first?: () => ReadonlyArray<A>,
  ): Effect.Effect<Stream.Stream<A>, never, Scope.Scope> {
    return Effect.map(this.#acquire(options, first), (subscriber) =>
      Stream.fromPull(Effect.succeed(this.#take(subscriber))),
    )
  }

  /**
   * Keeps events from now on for a subscriber that has yet to come: the last `capacity` of them, and how many fell out. They
   * can be taken once; then, or when the Scope closes, no more are kept.
   */
  keep(capacity: number): Effect.Effect<() => ReadonlyArray<A>, never, Scope.Scope> {
    return Effect.map(
      this.#acquire({ capacity, whenSlow: "drop-oldest" }, undefined, alwaysOpen),
      (subscriber) => () => {
        this.#leave(subscriber)
        return this.#drain(subscriber)
      },
    )
  }

  /** `ready` is given for one that nobody waits for. */
  #acquire(
    { capacity = 64, whenSlow = "drop-oldest" }: SubscribeOptions = {},
    first?: () => ReadonlyArray<A>,
    ready?: Latch.Latch,
  ) {
    const acquire = Effect.sync((): Subscriber<A> => {
      const events = [...this.#past, ...(first?.() ?? [])]
      const subscriber: Subscriber<A> = {
        capacity,
        holdsBack: whenSlow === "backpressure",
        events,
        skipped: 0,
        gone: this.#ended,
        ready: ready ?? Latch.makeUnsafe(this.#ended || events.length > 0),
        room: whenSlow === "backpressure" ? Latch.makeUnsafe(true) : alwaysOpen,
      }
      if (!this.#ended) this.#subscribers.add(subscriber)
      return subscriber
    })
    return Effect.acquireRelease(acquire, (subscriber) => {
      this.#leave(subscriber)
      return Effect.andThen(subscriber.room.open, subscriber.ready.open)
    })
  }

  #leave(subscriber: Subscriber<A>): void {
    subscriber.gone = true
    this.#subscribers.delete(subscriber)
  }

  /** What waits for the subscriber, with the loss before it. */
  #drain(subscriber: Subscriber<A>): Array<A> {
    const { lagged } = this.#options
    const { events, skipped } = subscriber
    subscriber.events = []
    subscriber.skipped = 0
    if (skipped > 0 && lagged !== undefined) events.unshift(lagged(skipped))
    return events
  }

  #take(subscriber: Subscriber<A>) {
    const takeNow = Effect.suspend((): Effect.Effect<[A, ...Array<A>], Cause.Done<void>> => {
      const [first, ...rest] = this.#drain(subscriber)
      if (!subscriber.gone) subscriber.ready.closeUnsafe()
      if (first === undefined) return subscriber.gone ? Cause.done() : waitAndTake
      const taken: [A, ...Array<A>] = [first, ...rest]
      return subscriber.holdsBack ? Effect.as(subscriber.room.open, taken) : Effect.succeed(taken)
    })
    const waitAndTake: typeof takeNow = Effect.andThen(subscriber.ready.await, takeNow)
    return waitAndTake
  }

  /** The stream that subscribes when it is run. */
  stream(options?: SubscribeOptions): Stream.Stream<A> {
    return Stream.unwrap(this.subscribe(options))
  }

  /** Ends every stream once it has given what it holds, and lets a publisher go that was held back. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    this.#ended = true
    const subscribers = [...this.#subscribers]
    this.#subscribers.clear()
    for (const subscriber of subscribers) subscriber.gone = true
    return Effect.forEach(subscribers, ({ ready, room }) => Effect.andThen(ready.open, room.open), { discard: true })
  })
}
