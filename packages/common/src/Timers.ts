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
  /** The times of the timers in the heap, and their order of creation: comparing them touches no timer. */
  readonly #ats: Array<number> = []
  readonly #orders: Array<number> = []
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
    const timer: Timer = { at: this.now() + delayMs, run, index: -1 }
    const order = this.#made++
    if (this.#closed) return timer
    this.#up(this.#heap.push(timer) - 1, timer, timer.at, order)
    if (timer.index === 0) this.#arm()
    return timer
  }

  /** Cancels a timer. Does nothing if the timer ran or was cancelled. */
  cancel(timer: Timer): void {
    const index = timer.index
    if (index < 0) return
    timer.index = -1
    const last = this.#heap.pop()!
    const at = this.#ats.pop()!
    const order = this.#orders.pop()!
    if (last !== timer) {
      if (this.#up(index, last, at, order) === index) this.#down(index, last, at, order)
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
    this.#ats.length = 0
    this.#orders.length = 0
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
    while (this.#heap.length > 0 && this.#ats[0]! <= now && this.#orders[0]! < limit) {
      const timer = this.#heap[0]!
      this.cancel(timer)
      timer.run()
    }
    this.#arm()
  }

  /** Places a timer at this position of the heap or, if it comes before the timers above, higher. Returns its position. */
  #up(start: number, timer: Timer, at: number, order: number): number {
    const ats = this.#ats
    const orders = this.#orders
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(at, order, ats[parent]!, orders[parent]!)) break
      this.#move(parent, index)
      index = parent
    }
    this.#place(index, timer, at, order)
    return index
  }

  /** Moves a timer down that comes after the timers below. */
  #down(start: number, timer: Timer, at: number, order: number): void {
    const ats = this.#ats
    const orders = this.#orders
    const size = this.#heap.length
    let index = start
    for (let child = 2 * index + 1; child < size; child = 2 * index + 1) {
      const right = child + 1
      if (right < size && isBefore(ats[right]!, orders[right]!, ats[child]!, orders[child]!)) child = right
      if (!isBefore(ats[child]!, orders[child]!, at, order)) break
      this.#move(child, index)
      index = child
    }
    if (index !== start) this.#place(index, timer, at, order)
  }

  #move(from: number, to: number): void {
    const timer = this.#heap[from]!
    this.#heap[to] = timer
    this.#ats[to] = this.#ats[from]!
    this.#orders[to] = this.#orders[from]!
    timer.index = to
  }

  #place(index: number, timer: Timer, at: number, order: number): void {
    this.#heap[index] = timer
    this.#ats[index] = at
    this.#orders[index] = order
    timer.index = index
  }
}

/** Timers with the same time run in the order of their creation. */
const isBefore = (at: number, order: number, otherAt: number, otherOrder: number): boolean =>
  at < otherAt || (at === otherAt && order < otherOrder)
