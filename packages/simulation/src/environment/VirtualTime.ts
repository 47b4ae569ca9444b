/**
 * Virtual time: Effect's Clock and Scheduler as one discrete-event loop. Fibers that can run do so in the order in which they
 * became ready. When none can run, the clock jumps to the next sleeper. Nothing waits for Node's event loop, so a run is one
 * synchronous call and the same every time. Timers of the platform, which libraries use, are part of it (`platformTime.ts`); an
 * effect that waits for a promise never resumes here.
 */
import process from "node:process"
import { Clock, Context, Duration, Effect, type Exit, Fiber, Random, Scheduler } from "effect"
import { EventSchedule } from "./EventSchedule.ts"
import { installPlatformTime, type PlatformTime, withPlatformTime } from "./platformTime.ts"
import type { WorldTime } from "./WorldTime.ts"

/** The clock of one machine, which may be suspended. */
interface Machine {
  /** The end of the suspension, in ms of the run. */
  until: number
  /** The time for which it was suspended, the current suspension included. */
  suspended: number
}

interface Sleeper {
  /** Undefined after an interruption. */
  wake: (() => void) | undefined
}

/** Promises that fibers wait for: see `OutsideClock`. */
export interface PromiseWatch {
  /** Installs the watch. Returns a function that removes it. */
  readonly install: () => () => void
  /** Whether a fiber waits for a promise. */
  readonly isWaiting: boolean
  /** Throws if a fiber waits for something outside the virtual time. `isOver`: the run has ended. */
  readonly check: (now: number, isOver: boolean) => void
  /** Whether a fiber sleeps on the virtual clock. Set by the time. */
  isSleeping: (fiber: Fiber.Fiber<unknown, unknown>) => boolean
  /** Called when the program asks a global for the time or for randomness. */
  readonly onUse: (global: string) => void
}

/** No fiber can run, none sleeps, and the effect is not done: it waits for something outside the virtual time. */
export class Deadlock extends Error {}

export class VirtualTime implements WorldTime {
  /** Scheduler, Clock and Random for all fibers. */
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  readonly #ready: Array<() => void> = []
  readonly #machines = new WeakMap<Clock.Clock, Machine>()
  readonly #sleepers = new EventSchedule<Sleeper>()
  readonly #epoch: number
  /** Milliseconds since the start. */
  #elapsed = 0
  #wakeUps = 0

  /** `epoch`: Unix milliseconds at the start. `seed` decides all random numbers. */
  constructor(epoch: number, seed: bigint) {
    this.#epoch = epoch
    this.clock = this.clockWithSkew(0)
    this.context = Context.make(Scheduler.Scheduler, this.#scheduler()).pipe(
      Context.add(Clock.Clock, this.clock),
      Context.add(Random.Random, seededRandom(seed)),
    )
    // A generator of its own: the draws of a library must not move those of the run.
    const libraries = seededRandom(seed + 1n)
    this.#platform = {
      random: () => libraries.nextDoubleUnsafe(),
      now: () => Math.floor(epoch + this.#elapsed),
      soon: (task) => void this.#ready.push(task),
      after: (millis, task) => {
        const sleeper: Sleeper = { wake: task }
        this.#sleepers.scheduleAt(this.#elapsed + millis, sleeper)
        return () => {
          sleeper.wake = undefined
        }
      },
    }
  }

  /** The globals of the platform during a run. */
  readonly #platform: PlatformTime
  /** The fibers that sleep, while promises are watched. */
  #sleeping: Set<Fiber.Fiber<unknown, unknown>> | undefined

  /** Milliseconds since the start. */
  get now(): number {
    return this.#elapsed
  }

  /** The number of sleepers that have been woken: a measure of the work so far. */
  get events(): number {
    return this.#wakeUps
  }

  /** A clock whose time of day differs by `skew` ms. Its sleeps are as long as those of all other clocks. */
  clockWithSkew(skew: number): Clock.Clock {
    const machine: Machine = { until: 0, suspended: 0 }
    const millis = () => Math.floor(this.#epoch + this.#elapsed + skew)
    const nanos = () => BigInt(Math.round((this.#epoch + this.#elapsed + skew) * 1_000)) * 1_000n
    // Many nodes ask for the time at each moment, and a bigint is an object.
    let knownMs = Number.NaN
    let known = 0n
    const monotonic = () => {
      const ms = this.#runningMs(machine)
      if (ms !== knownMs) {
        knownMs = ms
        known = BigInt(Math.round(ms * 1_000)) * 1_000n
      }
      return known
    }
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => this.#sleep(Duration.toMillis(duration), machine),
    }
    this.#machines.set(clock, machine)
    return clock
  }

  /**
   * Suspends the machine with this clock for `ms` from now on, as a laptop whose lid is closed: its sleepers go on afterwards where they
   * were, its monotonic time has stood still, and its time of day has jumped.
   */
  suspend(clock: Clock.Clock, ms: number): void {
    const machine = this.#machines.get(clock)
    if (machine === undefined || ms <= 0) return
    const until = this.#elapsed + ms
    machine.suspended += until - Math.max(this.#elapsed, machine.until)
    machine.until = until
  }

  /** The ms for which the machine has run. */
  #runningMs({ suspended, until }: Machine): number {
    return this.#elapsed - suspended + Math.max(0, until - this.#elapsed)
  }

  /** Runs the effect to its end. `onSettled` is called each time that no fiber can run, before the clock advances. */
  run<A, E>(effect: Effect.Effect<A, E>, onSettled?: () => void): Exit.Exit<A, E> {
    return withPlatformTime(this.#platform, () => this.#runToEnd(effect, onSettled))
  }

  /**
   * As {@link run}, and promises that can settle without the event loop of the platform do so between two steps: their continuations
   * are microtasks, which the engine orders, so a run is still the same every time. What only the event loop can settle never does.
   */
  async runWithPromises<A, E>(
    effect: Effect.Effect<A, E>,
    watch: PromiseWatch,
    onSettled?: () => void,
  ): Promise<Exit.Exit<A, E>> {
    const { nextTick } = process
    // All microtasks run before the next tick does, and no event of the platform is looked at.
    const allMicrotasks = () => new Promise<void>((resolve) => nextTick(resolve))
    // From here on the caller's fiber is not the current one.
    await allMicrotasks()
    const sleeping = new Set<Fiber.Fiber<unknown, unknown>>()
    this.#sleeping = sleeping
    watch.isSleeping = (fiber) => sleeping.has(fiber)
    const restore = installPlatformTime({ ...this.#platform, onUse: watch.onUse })
    const remove = watch.install()
    try {
      const fiber = Effect.runForkWith(this.context)(effect)
      for (;;) {
        this.#runReady()
        while (watch.isWaiting) {
          await allMicrotasks()
          if (this.#ready.length === 0) break
          this.#runReady()
        }
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) {
          watch.check(this.#elapsed, true)
          return exit
        }
        onSettled?.()
        watch.check(this.#elapsed, false)
        if (!this.#advance()) {
          watch.check(this.#elapsed, true)
          throw this.#deadlock()
        }
      }
    } finally {
      this.#sleeping = undefined
      remove()
      restore()
    }
  }

  #runToEnd<A, E>(effect: Effect.Effect<A, E>, onSettled: (() => void) | undefined): Exit.Exit<A, E> {
    const fiber = Effect.runForkWith(this.context)(effect)
    for (;;) {
      this.#runReady()
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      onSettled?.()
      if (!this.#advance()) throw this.#deadlock()
    }
  }

  #deadlock(): Deadlock {
    return new Deadlock(
      `after ${this.#elapsed} ms no fiber can run and none sleeps: the effect waits for something outside the virtual time`,
    )
  }

  #runReady(): void {
    const ready = this.#ready
    // The array grows during the loop: a task that becomes ready meanwhile runs in the same pass.
    for (let i = 0; i < ready.length; i++) ready[i]!()
    ready.length = 0
  }

  /** Moves the clock to the next sleeper and wakes all sleepers of that time. False if there is none. */
  #advance(): boolean {
    const sleepers = this.#sleepers
    for (let at = sleepers.nextAt; at !== undefined; at = sleepers.nextAt) {
      let woken = false
      while (sleepers.nextAt === at) {
        const { wake } = sleepers.takeNext()!
        if (wake === undefined) continue
        this.#elapsed = at
        this.#wakeUps++
        woken = true
        wake()
      }
      if (woken) return true
    }
    return false
  }

  #sleep(millis: number, machine: Machine): Effect.Effect<void> {
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback((resume) => {
      const sleeping = this.#sleeping
      const fiber = sleeping === undefined ? undefined : Fiber.getCurrent()
      if (fiber !== undefined) sleeping?.add(fiber)
      const due = this.#runningMs(machine) + millis
      const wakeUp = (): void => {
        const left = due - this.#runningMs(machine)
        if (left > 1e-6 && machine.suspended > 0) {
          this.#sleepers.scheduleAt(Math.max(this.#elapsed, machine.until) + left, sleeper)
          return
        }
        if (fiber !== undefined) sleeping?.delete(fiber)
        resume(Effect.void)
      }
      const sleeper: Sleeper = { wake: wakeUp }
      this.#sleepers.scheduleAt(this.#elapsed + millis, sleeper)
      return Effect.sync(() => {
        sleeper.wake = undefined
        if (fiber !== undefined) sleeping?.delete(fiber)
      })
    })
  }

  /** One queue for all dispatchers. Priorities are ignored, so the order is that of readiness alone. */
  #scheduler(): Scheduler.Scheduler {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => {
        this.#ready.push(task)
      },
      flush: () => this.#runReady(),
    }
    return {
      executionMode: "sync",
      shouldYield: () => false,
      makeDispatcher: () => dispatcher,
    }
  }
}

/** Effect's own seeded generator, as a service for a context. */
export const seededRandom = (seed: bigint): Context.Service.Shape<typeof Random.Random> =>
  Effect.runSync(Random.withSeed(Random.Random, String(seed)))
