/** The contract of the tracker, the service of the tag `TopicTracker`. It knows no implementation. */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Effect, Scope, Stream } from "effect"
import type { TopicConfigError } from "../config/TopicConfig.ts"
import type { JoinByInviteOptions, JoinOptions, Topic } from "../topic/Topic.ts"
import type { TopicError } from "../topic/TopicError.ts"
import type { TopicView } from "../topic/TopicView.ts"

/**
 * All topics of a process.
 *
 * @since 0.1.0
 * @category models
 */
export interface TrackerService {
  /** The id of this node: other nodes dial it by this. */
  readonly endpointId: EndpointId.EndpointId
  /** See `Topic.join`. */
  readonly join: (
    options: JoinOptions | JoinByInviteOptions,
  ) => Effect.Effect<Topic, TopicError | TopicConfigError, Scope.Scope>
  /** See `Topic.joinNoWait`. */
  readonly joinNoWait: (
    options: JoinOptions | JoinByInviteOptions,
  ) => Effect.Effect<Topic, TopicError | TopicConfigError, Scope.Scope>
  /** The open topics as they are now, to watch them. */
  readonly views: Effect.Effect<ReadonlyArray<TopicView>>
  /** A view of each topic that is open, then of each that opens. Ends with the tracker. */
  readonly opened: Stream.Stream<TopicView>
  /** The number of open topics. */
  readonly openTopics: Effect.Effect<number>
}
