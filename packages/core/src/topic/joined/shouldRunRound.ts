/** Whether a worker has a reason to run its round now. */
import { Effect } from "effect"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import { leadsToSwarm } from "../knowledge/recentRecords.ts"
import type { SessionContext } from "../SessionContext.ts"

/** Whether this node has so many neighbours that it needs no records to find more. */
export const hasEnoughNeighbors = ({ config, swarm }: SessionContext): boolean =>
  swarm.neighbors.size >= config.bubbleMerge.minNeighbors

/**
 * Always while this node has few neighbours; otherwise as often as its trickle timer lets it; and not while the slot is busy. A skipped round
 * is counted.
 */
export const shouldRunRound = Effect.fnUntraced(function* (session: SessionContext) {
  const { activity, slotLoad, trickle } = session
  if (!hasEnoughNeighbors(session)) trickle.reset()
  const runs = !slotLoad.isBusy && (yield* trickle.shouldRun)
  if (!runs) activity.counters.runsSkipped++
  return runs
})

/** For a node with enough neighbours a record that leads to the swarm is enough; another node asks all nodes of a slot. */
export const swarmIsEnough =
  (session: SessionContext) =>
  (found: ReadonlyArray<GossipRecord>): boolean =>
    hasEnoughNeighbors(session) && leadsToSwarm(session, found)
