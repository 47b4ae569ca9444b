/**
 * Finds what a simulated program does outside the virtual time: fibers that wait for a promise or for the platform (files, sockets,
 * timers of the process) and so would never go on, and calls of `Date.now` or `Math.random`, which Effect's Clock and Random cannot
 * control. A promise may wait for a virtual timer or for another fiber, so a wait fails the run only after a minute, or at the end.
 */
import { createHook } from "node:async_hooks"
import { Fiber, References } from "effect"
import type { PromiseWatch } from "../environment/VirtualTime.ts"
import { callerOf, placeIn, stackHere } from "./callers.ts"

/**
 * The longest that a promise may take, in simulated ms. What the platform brings never comes, so it has less time; at the end of a run, waits
 * that are no older than that do not count.
 */
const LIMIT_MS = 60_000
const PLATFORM_LIMIT_MS = 1_000

/** Different places that are reported; further ones are not. */
const MAX_REPORTS = 100

/** Waits that are remembered: those of fibers that have ended are forgotten when there are more. */
const MAX_WAITS = 10_000

/** Types of async_hooks for files, sockets, names, processes and threads. Those of node:crypto are there for synchronous calls too. */
const PLATFORM =
  /^(?:FS|FILEHANDLE|STATWATCHER|TCP|UDP|PIPE|TLS|HTTP|GETADDR|GETNAME|QUERY|DNS|PROCESSWRAP|WORKER|TTY|ZLIB)/

type AnyFiber = Fiber.Fiber<unknown, unknown>

interface Wait {
  readonly fiber: AnyFiber
  readonly name: string
  readonly since: number
  readonly what: string
  readonly where: string | undefined
  readonly limit: number
}

/**
 * A call that makes a program depend on more than its seed; the run itself gave it a virtual answer.
 *
 * @since 0.1.0
 * @category models
 */
export interface OutsideCall {
  /** Such as "Date.now" or "Math.random". */
  readonly global: string
  /** The place in the program's source: file, line and column. */
  readonly where: string
  readonly calls: number
}

/** A fiber waits for something that virtual time cannot bring. */
export class WaitsOutside extends Error {}

export class OutsideClock implements PromiseWatch {
  readonly #waits = new Set<Wait>()
  readonly #calls = new Map<string, { readonly global: string; readonly where: string; calls: number }>()
  readonly #now: () => number
  readonly #instanceOf: (fiber: AnyFiber) => string
  /** Where a fiber made its last promise. */
  #promise: { readonly fiber: AnyFiber; readonly stack: string } | undefined
  isSleeping: (fiber: AnyFiber) => boolean = () => false

  /** `now`: simulated ms. `instanceOf`: the name of the instance that a fiber belongs to. */
  constructor(now: () => number, instanceOf: (fiber: AnyFiber) => string) {
    this.#now = now
    this.#instanceOf = instanceOf
  }

  get isWaiting(): boolean {
    return this.#waits.size > 0
  }

  /** The calls so far, by their place. */
  get calls(): ReadonlyArray<OutsideCall> {
    return [...this.#calls.values()].map((call) => ({ ...call }))
  }

  readonly install = (): (() => void) => {
    const remove = this.#watchThen()
    const hook = createHook({
      init: (_, type) => {
        const fiber = Fiber.getCurrent()
        if (type === "PROMISE") {
          if (fiber !== undefined) this.#promise = { fiber, stack: stackHere() }
        } else if (PLATFORM.test(type)) {
          // Libraries open sockets later than they are asked to: it was for the fiber that made the last promise.
          const asking = fiber ?? this.#promise?.fiber
          const place = placeIn(stackHere()) ?? (this.#promise === undefined ? undefined : placeIn(this.#promise.stack))
          if (asking !== undefined) this.#add(asking, type, place, PLATFORM_LIMIT_MS)
        }
      },
    }).enable()
    return () => {
      hook.disable()
      remove()
    }
  }

  readonly onUse = (global: string): void => {
    const where = callerOf(stackHere(), "platformTime.")
    if (where === undefined) return
    const key = `${global} ${where}`
    const known = this.#calls.get(key)
    if (known !== undefined) known.calls++
    else if (this.#calls.size < MAX_REPORTS) this.#calls.set(key, { global, where, calls: 1 })
  }

  check(now: number, isOver: boolean): void {
    if (this.#waits.size === 0) return
    for (const wait of this.#waits) {
      const { fiber, limit, name, since, what, where } = wait
      if (fiber.pollUnsafe() !== undefined) {
        this.#waits.delete(wait)
        continue
      }
      if (now - since < (isOver ? PLATFORM_LIMIT_MS : limit) || this.isSleeping(fiber)) continue
      const place = where === undefined ? "" : ` (${where})`
      throw new WaitsOutside(
        `${name}${place} has waited for ${what} since ${since} ms, and virtual time cannot bring it: replace it by an Effect on the Clock`,
      )
    }
  }

  #add(fiber: AnyFiber, what: string, where: string | undefined, limit: number): Wait | undefined {
    if (this.#waits.size >= MAX_WAITS) return undefined
    const frame = fiber.getRef(References.CurrentStackFrame)
    const span = frame === undefined ? "" : ` in "${frame.name}"`
    const name = `${this.#instanceOf(fiber)}, fiber #${fiber.id}${span}`
    const wait: Wait = { fiber, name, since: this.#now(), what, where, limit }
    this.#waits.add(wait)
    return wait
  }

  /** Effect waits for a promise by calling its `then` in the fiber. */
  #watchThen(): () => void {
    const { prototype } = Promise
    const original = prototype.then
    const waits = this.#waits
    const watch = (): Wait | undefined => {
      const fiber = Fiber.getCurrent()
      if (fiber === undefined) return undefined
      const made = this.#promise
      return this.#add(fiber, "a promise", made?.fiber === fiber ? placeIn(made.stack) : undefined, LIMIT_MS)
    }
    type Then = <A, B>(
      this: Promise<unknown>,
      onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
      onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
    ) => Promise<unknown>
    const then: Then = function (onFulfilled, onRejected) {
      const wait = watch()
      if (wait === undefined) return original.call(this, onFulfilled, onRejected)
      return original.call(
        this,
        (value: unknown) => {
          waits.delete(wait)
          return typeof onFulfilled === "function" ? onFulfilled(value) : value
        },
        (reason: unknown) => {
          waits.delete(wait)
          if (typeof onRejected === "function") return onRejected(reason)
          throw reason
        },
      )
    }
    Reflect.set(prototype, "then", then)
    return () => {
      Reflect.set(prototype, "then", original)
    }
  }
}
