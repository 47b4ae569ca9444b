/** The wall's time for a world of real sockets: it passes as it does, but the day and the minute are those of the scenario. */
import { type Clock, Effect } from "effect"
import type { WorldTime } from "../topics/WorldTime.ts"

export class RealTime implements WorldTime {
  private readonly wall: Clock.Clock
  private readonly epoch: number
  private start: number

  /** Begins now. `epoch`: the Unix milliseconds that clocks of the world say at the beginning. */
  constructor(wall: Clock.Clock, epoch: number) {
    this.wall = wall
    this.epoch = epoch
    this.start = performance.now()
  }

  /** The world begins now, and not before. */
  restart(): void {
    this.start = performance.now()
  }

  get now(): number {
    return performance.now() - this.start
  }

  clockWithSkew(skew: number): Clock.Clock {
    const { wall } = this
    const millis = () => Math.floor(this.epoch + this.now + skew)
    const nanos = () => BigInt(Math.round((this.epoch + this.now + skew) * 1_000)) * 1_000n
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
