/** Real time for a world of real sockets. It passes as on the wall, but the time of day is the scenario's. */
import { type Clock, Effect } from "effect"
import type { WorldTime } from "../environment/WorldTime.ts"

export class RealTime implements WorldTime {
  readonly #wall: Clock.Clock
  readonly #epoch: number
  #start: number

  /** Starts now. `epoch`: the Unix milliseconds of the world's clocks at the start. */
  constructor(wall: Clock.Clock, epoch: number) {
    this.#wall = wall
    this.#epoch = epoch
    this.#start = performance.now()
  }

  /** Sets the start to now. */
  restart(): void {
    this.#start = performance.now()
  }

  get now(): number {
    return performance.now() - this.#start
  }

  clockWithSkew(skew: number): Clock.Clock {
    const wall = this.#wall
    const millis = () => Math.floor(this.#epoch + this.now + skew)
    const nanos = () => BigInt(Math.round((this.#epoch + this.now + skew) * 1_000)) * 1_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => wall.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: wall.monotonicTimeNanos,
      sleep: (duration) => wall.sleep(duration),
    }
  }
}
