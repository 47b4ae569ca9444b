/** How long searches for a first neighbour took. */
import { Metric } from "effect"

/**
 * From the beginning of a search, at a join, a resume or when the last neighbour is gone, until there is a neighbour, in ms; all topics
 * of the process.
 */
export const joinDuration = Metric.histogram("topic_tracker_join_duration_ms", {
  description: "From the beginning of a search for a neighbour until there is one, in milliseconds",
  // 10, 20, 40 … 40,960: from a warm join on loopback to the reference's slowest.
  boundaries: Metric.exponentialBoundaries({ start: 10, factor: 2, count: 13 }),
})
