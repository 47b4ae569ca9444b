/**
 * The platform's timers, queues and clock on virtual time. Libraries below the production code (k-buckets, for example) call
 * `setTimeout`, `Date.now` and `Math.random`; a run that is one synchronous call would never hear of those timers, and would differ from
 * the next one. So during a run these globals are the run's own. They are the platform's again when it ends.
 */
import process from "node:process"

/** The new values of the globals. */
export interface PlatformTime {
  /** From 0 up to but not including 1. */
  readonly random: () => number
  /** Unix time in ms. */
  readonly now: () => number
  /** Runs the task after all that are ready now. */
  readonly soon: (task: () => void) => void
  /** Runs the task after so many ms. Returns a function that cancels it. */
  readonly after: (millis: number, task: () => void) => () => void
}

/** A timer of `setTimeout` or `setInterval`, as far as programs use it. */
class VirtualTimer {
  readonly #time: PlatformTime
  readonly #millis: number
  readonly #task: () => void
  readonly #repeats: boolean
  #cancel: () => void = () => {}

  constructor(time: PlatformTime, task: () => void, millis: number | undefined, repeats: boolean) {
    this.#time = time
    this.#task = task
    // As the platform: at least one millisecond.
    this.#millis = Math.max(1, millis ?? 1)
    this.#repeats = repeats
    this.refresh()
  }

  close(): this {
    this.#cancel()
    return this
  }

  refresh(): this {
    this.#cancel()
    this.#cancel = this.#time.after(this.#millis, () => {
      if (this.#repeats) this.refresh()
      this.#task()
    })
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Calls `run` while the globals are those of this time. */
export const withPlatformTime = <A>(time: PlatformTime, run: () => A): A => {
  const saved = {
    setTimeout: globalThis.setTimeout,
    setInterval: globalThis.setInterval,
    clearTimeout: globalThis.clearTimeout,
    clearInterval: globalThis.clearInterval,
    queueMicrotask: globalThis.queueMicrotask,
    now: Date.now,
    random: Math.random,
    nextTick: process.nextTick,
  }
  type Task = (...args: ReadonlyArray<unknown>) => void
  const timer =
    (repeats: boolean) =>
    (task: Task, millis?: number, ...args: ReadonlyArray<unknown>) =>
      new VirtualTimer(time, () => task(...args), millis, repeats)
  // A timer that was set before the run is the platform's.
  const clear = (platform: (handle: never) => void) => (handle: unknown) =>
    handle instanceof VirtualTimer ? void handle.close() : platform(handle as never)
  Object.assign(globalThis, {
    setTimeout: timer(false),
    setInterval: timer(true),
    clearTimeout: clear(saved.clearTimeout),
    clearInterval: clear(saved.clearInterval),
    queueMicrotask: time.soon,
  })
  Date.now = time.now
  Math.random = time.random
  process.nextTick = (task: Task, ...args: ReadonlyArray<unknown>) => time.soon(() => task(...args))
  try {
    return run()
  } finally {
    const { nextTick, now, random, ...globals } = saved
    Object.assign(globalThis, globals)
    Date.now = now
    Math.random = random
    process.nextTick = nextTick
  }
}
