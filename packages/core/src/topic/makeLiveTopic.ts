/** Makes a {@link LiveTopic} from its key and the services of the process. */
import type { Crypto, Identity, SecretRotation } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Effect, type Scope } from "effect"
import { makeMinuteKeys } from "../records/minuteKeys.ts"
import * as RecordPublisher from "../records/RecordPublisher.ts"
import { TopicRecordContent } from "../records/TopicRecordContent.ts"
import { ActivityLog } from "./ActivityLog.ts"
import { makeMembersOptions } from "./channel/membersOptions.ts"
import { LiveTopic } from "./LiveTopic.ts"
import type { LiveTopicOptions } from "./LiveTopicParts.ts"
import { logAnnotations } from "./observability.ts"
import type { TopicError } from "./TopicError.ts"

/** Opens a topic in the current Scope and starts to search for neighbours. */
export const makeLiveTopic = Effect.fnUntraced(function* (
  options: LiveTopicOptions,
): Effect.fn.Return<LiveTopic, TopicError, Scope.Scope | Dht | Crypto | SecretRotation | Identity> {
  const { key } = options
  const { config } = key.settings
  const keysOf = yield* makeMinuteKeys(key.topic, key.secretHash)
  const { failureLog, timers } = options
  const activity = new ActivityLog({ timers, failureLog, annotations: logAnnotations(key.topic) })
  const records = yield* RecordPublisher.makeFromKeys({
    topic: key.topic,
    keysOf,
    content: TopicRecordContent,
    config,
    onSlotEvent: (event) => activity.reportSlotEvent(event),
    accepts: ({ access: theirs }) =>
      theirs === (key.access === "members" ? "members" : undefined)
        ? Effect.succeed(true)
        : Effect.as(activity.reportAccessMismatch(theirs ?? "open"), false),
  })
  const checkKeys = Effect.flatMap(records.unixMinute, (unixMinute) => keysOf(unixMinute).encryption).pipe(
    // The clock may be set right later.
    Effect.catchTag("ClockBeforeEpoch", () => Effect.void),
  )
  const { stats: dhtStats } = yield* Dht
  const { doors, options: members } = yield* makeMembersOptions(key, activity, timers)
  const topic = new LiveTopic({
    ...options,
    members,
    doors,
    scope: yield* Effect.scope,
    activity,
    records,
    dhtStats,
    checkKeys,
  })
  // It is the only end of the topic's sessions.
  yield* Effect.addFinalizer(() => topic.leave())
  yield* Effect.uninterruptible(topic.startSession())
  return topic
})
