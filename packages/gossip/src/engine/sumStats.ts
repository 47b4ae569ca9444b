/** The counters of several engines on one transport as one: that of the open topics, and one for each members-only topic. */
import type { GossipLatencies, GossipStats } from "../model.ts"
import { addLatencies } from "../protocol/LatencyHistogram.ts"
import { noTransportStats } from "../transport/TransportStats.ts"

/** Numbers of now. All others are counters, which never fall. */
const PRESENT: ReadonlySet<string> = new Set<keyof GossipStats>(["topics", "peers", "connections", "timers"])

/** Counted by the transport that all share. */
const SHARED: ReadonlySet<string> = new Set(Object.keys(noTransportStats))

export const sumStats = (own: GossipStats, others: Iterable<GossipStats>): GossipStats => {
  const sum: Record<string, number> = { ...own }
  for (const other of others) {
    for (const [name, value] of Object.entries(other)) if (!SHARED.has(name)) sum[name] = (sum[name] ?? 0) + value
  }
  // Every name of the type is in `own`.
  return sum as unknown as GossipStats
}

/** The stats of an engine that has ended: its counters still count. */
export const endedStats = (stats: GossipStats): GossipStats =>
  Object.fromEntries(
    Object.entries(stats).map(([name, value]) => [name, PRESENT.has(name) ? 0 : value]),
  ) as unknown as GossipStats

export const sumLatencies = (own: GossipLatencies, others: Iterable<GossipLatencies>): GossipLatencies => {
  let sum = own
  for (const other of others) {
    sum = {
      echo: addLatencies(sum.echo, other.echo),
      secondCopy: addLatencies(sum.secondCopy, other.secondCopy),
      write: addLatencies(sum.write, other.write),
    }
  }
  return sum
}
