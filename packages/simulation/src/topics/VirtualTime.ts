/**
 * Time and turns of a simulated world: Effect's Clock and Scheduler as one discrete-event loop. Fibers that can run do so in
 * the order in which they became ready; when none can, the clock jumps to the next sleeper. Nothing waits for the event loop,
 * so a run is one synchronous call, as fast as its work, and the same every time. Not for effects that wait for the outside
 * world (promises, timers of the platform): those would never come back.
 */
import { Clock, Context, Duration, Effect, type Exit, Random, Scheduler } from "effect"
import { EventQueue } from "../network/EventQueue.ts"
import type { WorldTime } from "./WorldTime.ts"

interface Sleeper {
  /** None once it was interrupted. */
  wake: (() => void) | undefined
}

/** Nothing is left that could go on, and the effect is not done: it waits for something outside the world. */
export class Deadlock extends Error {}

export class VirtualTime implements WorldTime {
  /** What all fibers of the world need in their context. */
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  private readonly ready: Array<() => void> = []
  private readonly sleepers = new EventQueue<Sleeper>()
  private readonly epoch: number
  /** Milliseconds since the world began. */
  private elapsed = 0
  private wakeUps = 0

  /** `epoch`: Unix milliseconds at the beginning. `seed` decides all that chance does in the world. */
  constructor(epoch: number, seed: bigint) {
    this.epoch = epoch
    this.clock = this.clockWithSkew(0)
    this.context = Context.make(Scheduler.Scheduler, this.scheduler()).pipe(
      Context.add(Clock.Clock, this.clock),
      Context.add(Random.Random, seededRandom(seed)),
    )
  }

  /** Milliseconds since the world began. */
  get now(): number {
    return this.elapsed
  }

  /** How many sleepers have been woken: what the run has cost so far. */
  get events(): number {
    return this.wakeUps
  }

  /** A clock that says another time of day, by `skew` milliseconds, and sleeps like all others. */
  clockWithSkew(skew: number): Clock.Clock {
    const millis = () => Math.floor(this.epoch + this.elapsed + skew)
    const nanos = () => BigInt(Math.round((this.epoch + this.elapsed + skew) * 1_000)) * 1_000n
    const monotonic = () => BigInt(Math.round(this.elapsed * 1_000)) * 1_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => this.sleep(Duration.toMillis(duration)),
    }
  }

  /** Runs the effect to its end. `onSettled` is called each time that all have done what they can, before time goes on. */
  run<A, E>(effect: Effect.Effect<A, E>, onSettled?: () => void): Exit.Exit<A, E> {
    const fiber = Effect.runForkWith(this.context)(effect)
    for (;;) {
      this.runReady()
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      onSettled?.()
      if (!this.advance()) throw new Deadlock(`nothing can happen any more after ${this.elapsed} ms`)
    }
  }

  private runReady(): void {
    const { ready } = this
    // The array grows while it is walked: what becomes ready runs in the same turn of the loop.
    for (let i = 0; i < ready.length; i++) ready[i]!()
    ready.length = 0
  }

  /** Wakes everybody who sleeps until the next time at which somebody does. */
  private advance(): boolean {
    const { sleepers } = this
    for (let at = sleepers.nextAt; at !== undefined; at = sleepers.nextAt) {
      let woken = false
      while (sleepers.nextAt === at) {
        const { wake } = sleepers.pop()!
        if (wake === undefined) continue
        this.elapsed = at
        this.wakeUps++
        woken = true
        wake()
      }
      if (woken) return true
    }
    return false
  }

  private sleep(millis: number): Effect.Effect<void> {
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback((resume) => {
      const sleeper: Sleeper = { wake: () => resume(Effect.void) }
      this.sleepers.push(this.elapsed + millis, sleeper)
      return Effect.sync(() => {
        sleeper.wake = undefined
      })
    })
  }

  /** One queue for all dispatchers. Priorities are not heeded: order of readiness is an order that everyone has. */
  private scheduler(): Scheduler.Scheduler {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => {
        this.ready.push(task)
      },
      flush: () => this.runReady(),
    }
    return {
      executionMode: "sync",
      shouldYield: () => false,
      makeDispatcher: () => dispatcher,
    }
  }
}

/** Effect's own seeded generator, as a service to put into a context. */
export const seededRandom = (seed: bigint): Context.Service.Shape<typeof Random.Random> =>
  Effect.runSync(Random.withSeed(Random.Random, String(seed)))
