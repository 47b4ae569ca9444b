/** Machines that are suspended, as laptops are, and wake up. */
import { type Clock, Effect } from "effect"
import type { Environment } from "../environment/Environment.ts"
import type { WorldTime } from "../environment/WorldTime.ts"
import type { TopicLog } from "./TopicLog.ts"

interface World {
  readonly time: WorldTime
  readonly log: TopicLog
  readonly environment: Environment
  /** The clock of a node; undefined if it is not there any more. */
  readonly clockOf: (index: number) => Clock.Clock | undefined
}

/** Suspends the machines of these nodes for `ms`. Nodes that are not there, or end meanwhile, are left out. */
export const suspendNodes = Effect.fnUntraced(function* (
  { clockOf, environment, log, time }: World,
  nodes: ReadonlyArray<number>,
  ms: number,
) {
  for (const index of nodes) {
    const clock = clockOf(index)
    if (clock === undefined) continue
    log.addLine(time.now, index, "is suspended")
    time.suspend?.(clock, ms)
    environment.suspend?.(index)
  }
  yield* Effect.sleep(ms)
  for (const index of nodes) {
    if (clockOf(index) === undefined) continue
    log.addLine(time.now, index, "wakes up")
    environment.wake?.(index)
  }
})
