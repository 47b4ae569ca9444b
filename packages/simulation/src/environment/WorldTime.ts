/** The time of a world of nodes: virtual (VirtualTime) or real (`sockets/RealTime`). */
import type { Clock } from "effect"

export interface WorldTime {
  /** Milliseconds since the start. */
  readonly now: number
  /** A clock whose time of day differs by `skew` ms. Its sleeps are as long as those of all other clocks. */
  readonly clockWithSkew: (skew: number) => Clock.Clock
  /** Suspends the machine with this clock for so many ms. Real time cannot. */
  readonly suspend?: (clock: Clock.Clock, ms: number) => void
}
