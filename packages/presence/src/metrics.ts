/** The counters of a presence as Effect's metrics. */
import { counter, gauge, publishStats, type StatMetric } from "@topic-tracker/core/publishStats"
import type { Effect, Scope } from "effect"
import type { Presence, PresenceStats } from "./model.ts"

const metrics: Readonly<Record<keyof PresenceStats, StatMetric>> = {
  members: gauge("topic_tracker_presence_members", "Members of the topic that are here, with this node"),
  suspected: gauge("topic_tracker_presence_suspected", "Members that a neighbour of theirs does not hear any more"),
  refused: counter("topic_tracker_presence_refused", "Notes dropped because of their form, time or signature"),
  limited: counter("topic_tracker_presence_limited", "Notes beyond the rate of their author or the number of members"),
  refuted: counter("topic_tracker_presence_refuted", "Accusations of this node that it refuted"),
  learnt: counter("topic_tracker_presence_learnt", "Entries that came from a neighbour's list"),
  undecodable: counter("topic_tracker_presence_undecodable", "States that were no value of the schema"),
}

/**
 * Publishes the metrics `topic_tracker_presence_…` of a presence until the Scope closes. They are read when an exporter collects them, and have the
 * attributes of the surrounding `Metric.CurrentMetricAttributes`; several presences add up.
 *
 * @since 0.1.0
 */
export const publishMetrics = <S>(presence: Presence<S>): Effect.Effect<void, never, Scope.Scope> =>
  publishStats(metrics, presence.stats)
