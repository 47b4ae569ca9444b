/**
 * The platform's timers, queues and clock on virtual time. Libraries below the production code (k-buckets, for example) call
 * `setTimeout`, `Date.now` and `Math.random`; a run that is one synchronous call would never hear of those timers, and would differ from
 * the next one. So during a run these globals are the run's own. They are the platform's again when it ends.
 */
import process from "node:process"

/** The new values of the globals. */
export interface PlatformTime {
  /** Called when the program asks a global for the time or for randomness; then `Date`, `performance` and `crypto` are virtual too. */
  readonly onUse?: ((global: string) => void) | undefined
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
  const restore = installPlatformTime(time)
  try {
    return run()
  } finally {
    restore()
  }
}

/** Makes the globals those of this time. Returns a function that makes them the platform's again. */
export const installPlatformTime = (time: PlatformTime): (() => void) => {
  const saved = {
    setTimeout: globalThis.setTimeout,
    setInterval: globalThis.setInterval,
    setImmediate: globalThis.setImmediate,
    clearTimeout: globalThis.clearTimeout,
    clearInterval: globalThis.clearInterval,
    clearImmediate: globalThis.clearImmediate,
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
    setImmediate: (task: Task, ...args: ReadonlyArray<unknown>) =>
      new VirtualTimer(time, () => task(...args), 0, false),
    clearTimeout: clear(saved.clearTimeout),
    clearInterval: clear(saved.clearInterval),
    clearImmediate: clear(saved.clearImmediate),
    queueMicrotask: time.soon,
  })
  const { onUse } = time
  Date.now = onUse === undefined ? time.now : used(onUse, "Date.now", time.now)
  Math.random = onUse === undefined ? time.random : used(onUse, "Math.random", time.random)
  process.nextTick = (task: Task, ...args: ReadonlyArray<unknown>) => time.soon(() => task(...args))
  const restoreOthers = onUse === undefined ? () => {} : installOthers(time, onUse)
  return () => {
    restoreOthers()
    const { nextTick, now, random, ...globals } = saved
    Object.assign(globalThis, globals)
    Date.now = now
    Math.random = random
    process.nextTick = nextTick
  }
}

const used = <A>(onUse: (global: string) => void, name: string, value: () => A) =>
  function virtual(): A {
    onUse(name)
    return value()
  }

/** The constructor of Date, the clock of `performance` and the randomness of `crypto`. */
const installOthers = (time: PlatformTime, onUse: (global: string) => void): (() => void) => {
  const RealDate = globalThis.Date
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => {
      if (args.length > 0) return Reflect.construct(target, args, newTarget)
      onUse("new Date()")
      return Reflect.construct(target, [time.now()], newTarget)
    },
    apply: () => {
      onUse("Date()")
      return new RealDate(time.now()).toString()
    },
  })
  const start = time.now()
  const { performance } = globalThis
  const now = performance.now
  performance.now = used(onUse, "performance.now", () => time.now() - start)
  const { crypto } = globalThis
  const { getRandomValues, randomUUID } = crypto
  const fill = <A extends ArrayBufferView | null>(view: A): A => {
    onUse("crypto.getRandomValues")
    if (view !== null) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(time.random() * 256)
    }
    return view
  }
  const uuid = (): ReturnType<typeof randomUUID> => {
    onUse("crypto.randomUUID")
    const digits = (count: number) =>
      Array.from({ length: count }, () => Math.floor(time.random() * 16).toString(16)).join("")
    const variant = (8 + Math.floor(time.random() * 4)).toString(16)
    return `${digits(8)}-${digits(4)}-4${digits(3)}-${variant}${digits(3)}-${digits(12)}`
  }
  Object.assign(crypto, { getRandomValues: fill, randomUUID: uuid })
  return () => {
    globalThis.Date = RealDate
    performance.now = now
    Object.assign(crypto, { getRandomValues, randomUUID })
  }
}
