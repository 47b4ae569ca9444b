/**
 * Virtual time: Effect's Clock and Scheduler as one discrete-event loop. Fibers that can run do so in the order in which they
 * became ready. When none can run, the clock jumps to the next sleeper. Nothing waits for Node's event loop, so a run is one
 * synchronous call and the same every time. Timers of the platform, which libraries use, are part of it (`platformTime.ts`); an
 * effect that waits for a promise never resumes here.
 */
import { Clock, Context, Duration, Effect, type Exit, Random, Scheduler } from "effect"
import { EventSchedule } from "./EventSchedule.ts"
import { type PlatformTime, withPlatformTime } from "./platformTime.ts"
import type { WorldTime } from "./WorldTime.ts"

interface Sleeper {
  /** Undefined after an interruption. */
  wake: (() => void) | undefined
}

/** No fiber can run, none sleeps, and the effect is not done: it waits for something outside the virtual time. */
export class Deadlock extends Error {}

export class VirtualTime implements WorldTime {
  /** Scheduler, Clock and Random for all fibers. */
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  readonly #ready: Array<() => void> = []
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
    const millis = () => Math.floor(this.#epoch + this.#elapsed + skew)
    const nanos = () => BigInt(Math.round((this.#epoch + this.#elapsed + skew) * 1_000)) * 1_000n
    const monotonic = () => BigInt(Math.round(this.#elapsed * 1_000)) * 1_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => this.#sleep(Duration.toMillis(duration)),
    }
  }

  /** Runs the effect to its end. `onSettled` is called each time that no fiber can run, before the clock advances. */
  run<A, E>(effect: Effect.Effect<A, E>, onSettled?: () => void): Exit.Exit<A, E> {
    return withPlatformTime(this.#platform, () => this.#runToEnd(effect, onSettled))
  }

  #runToEnd<A, E>(effect: Effect.Effect<A, E>, onSettled: (() => void) | undefined): Exit.Exit<A, E> {
    const fiber = Effect.runForkWith(this.context)(effect)
    for (;;) {
      this.#runReady()
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      onSettled?.()
      if (!this.#advance())
        throw new Deadlock(
          `after ${this.#elapsed} ms no fiber can run and none sleeps: the effect waits for something outside the virtual time`,
        )
    }
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

  #sleep(millis: number): Effect.Effect<void> {
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback((resume) => {
      const sleeper: Sleeper = { wake: () => resume(Effect.void) }
      this.#sleepers.scheduleAt(this.#elapsed + millis, sleeper)
      return Effect.sync(() => {
        sleeper.wake = undefined
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
