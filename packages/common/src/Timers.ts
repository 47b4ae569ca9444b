/**
 * Many timers on one Clock: a heap of callbacks and at most one sleeping fiber for all of them, so that a timer costs no
 * fiber and TestClock governs them like any other sleep. Time here is in milliseconds on a scale that never goes back and
 * whose zero means nothing.
 */
import { Clock, Duration, Effect, type Fiber, Scheduler, type Scope } from "effect"

/** A callback that is due at a time. Opaque: only {@link Timers} looks inside. */
export interface Timer {
  readonly at: number
  /** Order of making; timers of the same time run in this order. */
  readonly order: number
  readonly run: () => void
  /** Place in the heap, or -1 once it ran or was cancelled. */
  index: number
}

export class Timers {
  private readonly heap: Array<Timer> = []
  private readonly clock: Clock.Clock
  private readonly fork: (sleep: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly dispatcher: Scheduler.SchedulerDispatcher
  private made = 0
  private sleeper: Fiber.Fiber<void> | undefined
  private wakesAt = Number.POSITIVE_INFINITY
  private turn: Array<() => void> = []
  private closed = false

  private constructor(
    clock: Clock.Clock,
    dispatcher: Scheduler.SchedulerDispatcher,
    fork: (sleep: Effect.Effect<void>) => Fiber.Fiber<void>,
  ) {
    this.clock = clock
    this.dispatcher = dispatcher
    this.fork = fork
  }

  /** Timers on the current Clock. When the scope closes none of them runs any more. */
  static readonly make: Effect.Effect<Timers, never, Scope.Scope> = Effect.acquireRelease(
    Effect.contextWith((context) =>
      Clock.clockWith((clock) =>
        Effect.map(Scheduler.Scheduler, (scheduler) => {
          const fork = Effect.runForkWith(context)
          return new Timers(clock, scheduler.makeDispatcher(), fork)
        }),
      ),
    ),
    (timers) => Effect.sync(() => timers.close()),
  )

  /** Milliseconds now. */
  now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  /** Timers that have neither run nor been cancelled. */
  get size(): number {
    return this.heap.length
  }

  /** Runs `run` once, `delayMs` from now (0 is the next wake-up, never at once). */
  schedule(delayMs: number, run: () => void): Timer {
    const timer: Timer = { at: this.now() + delayMs, order: this.made++, run, index: -1 }
    if (this.closed) return timer
    timer.index = this.heap.length
    this.heap.push(timer)
    this.up(timer.index)
    if (timer.index === 0) this.arm()
    return timer
  }

  /** Takes a timer back; one that ran or was cancelled already is left as it is. */
  cancel(timer: Timer): void {
    const index = timer.index
    if (index < 0) return
    timer.index = -1
    const last = this.heap.pop()!
    if (last !== timer) {
      this.heap[index] = last
      last.index = index
      this.down(this.up(index))
    } else if (this.heap.length === 0) this.disarm()
    // The sleeper may now wake too early, which costs one look at the heap and is cheaper than forking another.
  }

  /** Runs `run` in the next turn of the scheduler, after everything that is ready to run now. */
  soon(run: () => void): void {
    if (this.closed) return
    if (this.turn.push(run) === 1) this.dispatcher.scheduleTask(() => this.runTurn(), 0)
  }

  private runTurn(): void {
    const turn = this.turn
    this.turn = []
    for (let i = 0; i < turn.length && !this.closed; i++) turn[i]!()
  }

  private close(): void {
    this.closed = true
    for (const timer of this.heap) timer.index = -1
    this.heap.length = 0
    this.turn.length = 0
    this.disarm()
  }

  private disarm(): void {
    this.sleeper?.interruptUnsafe()
    this.sleeper = undefined
    this.wakesAt = Number.POSITIVE_INFINITY
  }

  private arm(): void {
    const first = this.heap[0]
    if (first === undefined || first.at >= this.wakesAt) return
    this.sleeper?.interruptUnsafe()
    this.wakesAt = first.at
    // Whole milliseconds: less is below what clocks resolve, and waking just too early would mean to sleep again.
    const wait = Math.max(0, Math.ceil(first.at - this.now()))
    this.sleeper = this.fork(
      Effect.andThen(
        // A sleep of nothing may return within this call, in which the caller must not see its timer run.
        wait === 0 ? Effect.yieldNow : this.clock.sleep(Duration.millis(wait)),
        Effect.sync(() => this.wake()),
      ),
    )
  }

  private wake(): void {
    this.sleeper = undefined
    this.wakesAt = Number.POSITIVE_INFINITY
    const now = this.now()
    // What is scheduled for now by these callbacks waits for the next wake-up, so that they cannot keep us here for ever.
    const limit = this.made
    while (this.heap.length > 0 && this.heap[0]!.at <= now && this.heap[0]!.order < limit) {
      const timer = this.heap[0]!
      this.cancel(timer)
      timer.run()
    }
    this.arm()
  }

  private before(a: Timer, b: Timer): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  private up(start: number): number {
    let index = start
    const timer = this.heap[index]!
    while (index > 0) {
      const parent = this.heap[(index - 1) >> 1]!
      if (!this.before(timer, parent)) break
      this.heap[index] = parent
      parent.index = index
      index = (index - 1) >> 1
    }
    this.heap[index] = timer
    timer.index = index
    return index
  }

  private down(start: number): void {
    let index = start
    const timer = this.heap[index]!
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.heap.length) break
      if (child + 1 < this.heap.length && this.before(this.heap[child + 1]!, this.heap[child]!)) child++
      const smaller = this.heap[child]!
      if (!this.before(smaller, timer)) break
      this.heap[index] = smaller
      smaller.index = index
      index = child
    }
    this.heap[index] = timer
    timer.index = index
  }
}
