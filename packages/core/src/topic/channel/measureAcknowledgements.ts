/** How long a channel's acknowledgements take, as metrics of the process. */
import type { BytesPublished } from "@topic-tracker/gossip"
import { Effect, Metric } from "effect"
import { acknowledgeDuration, unacknowledged } from "../../metrics/TrackerMetrics.ts"

/** Measures a publish that waits for the acknowledgements of so many members. One that did not get them is counted, and has no time. */
export const measureAcknowledgements = <E>(
  publish: Effect.Effect<BytesPublished, E>,
  by: number,
): Effect.Effect<BytesPublished, E> =>
  Effect.timed(publish).pipe(
    Effect.tap(([took, { acknowledged }]) =>
      acknowledged < by ? Metric.update(unacknowledged, 1) : Metric.update(acknowledgeDuration, took),
    ),
    Effect.map(([, published]) => published),
  )
