/**
 * Many timers on one Clock: a heap of callbacks and at most one sleeping fiber for all of them. A timer costs no fiber, and TestClock
 * controls it like any other sleep. Times are milliseconds of a monotonic clock whose zero has no meaning.
 */
import { Clock, Duration, Effect, type Fiber, Scheduler, type Scope } from "effect"

/**
 * A callback with its time. The fields are for {@link Timers} only.
 *
 * @since 0.1.0
 * @category models
 */
export interface Timer {
  readonly at: number
  /** The order of creation. Timers with the same time run in this order. */
  readonly order: number
  readonly run: () => void
  /** The position in the heap, or -1 after it ran or was cancelled. */
  index: number
}

/**
 * Schedules callbacks on the Clock of the fiber that made it.
 *
 * @since 0.1.0
 * @category models
 */
export class Timers {
  readonly #heap: Array<Timer> = []
  readonly #clock: Clock.Clock
  readonly #fork: (sleep: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly #dispatcher: Scheduler.SchedulerDispatcher
  #made = 0
  #sleeper: Fiber.Fiber<void> | undefined
  #wakesAt = Number.POSITIVE_INFINITY
  #turn: Array<() => void> = []
  #closed = false

  private constructor(
    clock: Clock.Clock,
    dispatcher: Scheduler.SchedulerDispatcher,
    fork: (sleep: Effect.Effect<void>) => Fiber.Fiber<void>,
  ) {
    this.#clock = clock
    this.#dispatcher = dispatcher
    this.#fork = fork
  }

  /** Timers on the current Clock. After the scope closes, no timer runs. */
  static readonly make: Effect.Effect<Timers, never, Scope.Scope> = Effect.acquireRelease(
    Effect.contextWith((context) =>
      Clock.clockWith((clock) =>
        Effect.map(Scheduler.Scheduler, (scheduler) => {
          const fork = Effect.runForkWith(context)
          return new Timers(clock, scheduler.makeDispatcher(), fork)
        }),
      ),
    ),
    (timers) => Effect.sync(() => timers.#close()),
  )

  /** The current time in milliseconds. */
  now(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  /** The number of timers that have neither run nor been cancelled. */
  get size(): number {
    return this.#heap.length
  }

  /** Runs `run` once, after `delayMs`. With 0 it runs at the next wake-up, never within this call. */
  schedule(delayMs: number, run: () => void): Timer {
    const timer: Timer = { at: this.now() + delayMs, order: this.#made++, run, index: -1 }
    if (this.#closed) return timer
    timer.index = this.#heap.length
    this.#heap.push(timer)
    this.#up(timer.index)
    if (timer.index === 0) this.#arm()
    return timer
  }

  /** Cancels a timer. Does nothing if the timer ran or was cancelled. */
  cancel(timer: Timer): void {
    const index = timer.index
    if (index < 0) return
    timer.index = -1
    const last = this.#heap.pop()!
    if (last !== timer) {
      this.#heap[index] = last
      last.index = index
      this.#down(this.#up(index))
    } else if (this.#heap.length === 0) this.#disarm()
    // The sleeper may now wake too early. One test of the heap is cheaper than another fiber.
  }

  /** Runs `run` in the next turn of the scheduler, after all tasks that are ready now. */
  runSoon(run: () => void): void {
    if (this.#closed) return
    if (this.#turn.push(run) === 1) this.#dispatcher.scheduleTask(() => this.#runTurn(), 0)
  }

  #runTurn(): void {
    const turn = this.#turn
    this.#turn = []
    for (let i = 0; i < turn.length && !this.#closed; i++) turn[i]!()
  }

  #close(): void {
    this.#closed = true
    for (const timer of this.#heap) timer.index = -1
    this.#heap.length = 0
    this.#turn.length = 0
    this.#disarm()
  }

  #disarm(): void {
    this.#sleeper?.interruptUnsafe()
    this.#sleeper = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    const first = this.#heap[0]
    if (first === undefined || first.at >= this.#wakesAt) return
    this.#sleeper?.interruptUnsafe()
    this.#wakesAt = first.at
    // Whole milliseconds, rounded up: clocks have no finer resolution, and a sleep that ends too early must be repeated.
    const wait = Math.max(0, Math.ceil(first.at - this.now()))
    this.#sleeper = this.#fork(
      Effect.andThen(
        // A sleep of 0 ms may return within this call, and the caller's timer must not run inside it.
        wait === 0 ? Effect.yieldNow : this.#clock.sleep(Duration.millis(wait)),
        Effect.sync(() => this.#wake()),
      ),
    )
  }

  #wake(): void {
    this.#sleeper = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
    const now = this.now()
    // Timers that these callbacks schedule for now wait for the next wake-up; otherwise the loop might never end.
    const limit = this.#made
    while (this.#heap.length > 0 && this.#heap[0]!.at <= now && this.#heap[0]!.order < limit) {
      const timer = this.#heap[0]!
      this.cancel(timer)
      timer.run()
    }
    this.#arm()
  }

  #before(a: Timer, b: Timer): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #up(start: number): number {
    let index = start
    const timer = this.#heap[index]!
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1]!
      if (!this.#before(timer, parent)) break
      this.#heap[index] = parent
      parent.index = index
      index = (index - 1) >> 1
    }
    this.#heap[index] = timer
    timer.index = index
    return index
  }

  #down(start: number): void {
    let index = start
    const timer = this.#heap[index]!
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#heap.length) break
      if (child + 1 < this.#heap.length && this.#before(this.#heap[child + 1]!, this.#heap[child]!)) child++
      const smaller = this.#heap[child]!
      if (!this.#before(smaller, timer)) break
      this.#heap[index] = smaller
      smaller.index = index
      index = child
    }
    this.#heap[index] = timer
    timer.index = index
  }
}
