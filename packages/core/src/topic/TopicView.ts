/**
 * A view of an open topic, for programs that watch a node: read-only, and it keeps no topic open. It ends with the topic: streams end, and
 * figures keep their last values.
 */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Effect, type Stream } from "effect"
import type { RecordStats } from "../records/RecordPublisher.ts"
import type { LiveTopic } from "./LiveTopic.ts"
import type { MembersSource } from "./MembersSource.ts"
import type { TopicActivity, TopicStats } from "./TopicActivity.ts"

/**
 * What can be seen of an open topic.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicView {
  readonly id: TopicId
  /** The name with which the topic was joined first; undefined if that was an id. */
  readonly name: string | undefined
  readonly access: "open" | "members"
  /** The last 64 entries, then every new one. */
  readonly activity: Stream.Stream<TopicActivity>
  readonly stats: Effect.Effect<TopicStats>
  /** Counters of the topic's records and slots. */
  readonly records: Effect.Effect<RecordStats>
  readonly neighbors: Effect.Effect<ReadonlySet<EndpointId.EndpointId>>
  /** The neighbours of other members, as the records of the last two minutes name them; up to 256 publishers. */
  readonly links: Effect.Effect<ReadonlyMap<EndpointId.EndpointId, ReadonlyArray<EndpointId.EndpointId>>>
  /** All members, if the program has a presence in the topic; undefined if it has none. */
  readonly members: Effect.Effect<MembersSource | undefined>
}

export const viewOf = (live: LiveTopic): TopicView => ({
  id: live.id,
  name: live.name,
  access: live.access,
  activity: live.activity.stream(),
  stats: live.stats(),
  records: live.records.stats,
  neighbors: Effect.sync(() => new Set(live.swarm.neighbors)),
  links: Effect.sync(() => live.swarm.graph.links),
  // While the topic is suspended nobody is shown.
  members: Effect.flatMap(live.requireLink, ({ shownMembers }) => shownMembers).pipe(
    Effect.orElseSucceed(() => undefined),
  ),
})
