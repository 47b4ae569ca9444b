/** The moments that a run waits for, such as "all nodes are one swarm", and the check that records them. */
import type { NeighborGraph } from "./NeighborGraph.ts"

/** Milliseconds since the start; undefined until it has happened. */
export interface Milestones {
  /** The last of the scenario's first nodes has started. */
  arrivedAt: number | undefined
  oneSwarmAt: number | undefined
  /** The last partition has ended. */
  partitionsOverAt: number | undefined
  healedAt: number | undefined
  crashedAt: number | undefined
  recoveredAt: number | undefined
  /** Suspended machines run again, and when all nodes were one swarm after that. */
  awokeAt: number | undefined
  rejoinedAt: number | undefined
}

export const noMilestones = (): Milestones => ({
  arrivedAt: undefined,
  oneSwarmAt: undefined,
  partitionsOverAt: undefined,
  healedAt: undefined,
  crashedAt: undefined,
  recoveredAt: undefined,
  awokeAt: undefined,
  rejoinedAt: undefined,
})

/** To be called whenever something may have happened: records the milestones that are reached when all nodes are one swarm. */
export const recordMilestones = (graph: NeighborGraph, now: number, milestones: Milestones): void => {
  const { arrivedAt, awokeAt, crashedAt, healedAt, oneSwarmAt, partitionsOverAt, recoveredAt, rejoinedAt } = milestones
  const isWaiting =
    (arrivedAt !== undefined && oneSwarmAt === undefined) ||
    (partitionsOverAt !== undefined && healedAt === undefined) ||
    (crashedAt !== undefined && recoveredAt === undefined) ||
    (awokeAt !== undefined && rejoinedAt === undefined)
  if (!isWaiting || !graph.isOne()) return
  if (arrivedAt !== undefined) milestones.oneSwarmAt ??= now
  if (partitionsOverAt !== undefined) milestones.healedAt ??= now
  if (crashedAt !== undefined) milestones.recoveredAt ??= now
  if (awokeAt !== undefined) milestones.rejoinedAt ??= now
}

/** Whether nothing is waited for any more. */
export const isSettled = ({
  awokeAt,
  crashedAt,
  healedAt,
  oneSwarmAt,
  partitionsOverAt,
  recoveredAt,
  rejoinedAt,
}: Milestones): boolean =>
  oneSwarmAt !== undefined &&
  (partitionsOverAt === undefined || healedAt !== undefined) &&
  (crashedAt === undefined || recoveredAt !== undefined) &&
  (awokeAt === undefined || rejoinedAt !== undefined)
