/** Time as a world of nodes has it: virtual (VirtualTime) or that of the wall (RealTime). */
import type { Clock } from "effect"

export interface WorldTime {
  /** Milliseconds since the world began. */
  readonly now: number
  /** A clock that says another time of day, by `skew` milliseconds, and sleeps like all others. */
  readonly clockWithSkew: (skew: number) => Clock.Clock
}
