/** The parts of a live topic: its options, and what `makeLiveTopic.ts` makes of them. Types only. */
import type { Timers } from "@topic-tracker/common"
import type { DhtStats } from "@topic-tracker/dht"
import type { Gossip, MembersOptions } from "@topic-tracker/gossip"
import type { Effect, Scope } from "effect"
import type * as RecordPublisher from "../records/RecordPublisher.ts"
import type { TopicRecordContent } from "../records/TopicRecordContent.ts"
import type { FailureLog } from "../shared/FailureLog.ts"
import type { RateLimiter } from "../shared/RateLimiter.ts"
import type { ActivityLog } from "./ActivityLog.ts"
import type { DoorWatch } from "./channel/DoorWatch.ts"
import type { SessionContext } from "./SessionContext.ts"
import type { TopicKey } from "./TopicKey.ts"

export interface LiveTopicOptions {
  readonly key: TopicKey
  readonly gossip: Gossip["Service"]
  readonly timers: Timers
  /** Shared by the topics of the process, as is the failure log. */
  readonly rateLimiter: RateLimiter
  readonly failureLog: FailureLog
  /** Runs when the topic ends by itself, before its users learn of it: a later join must not get this topic. */
  readonly onFailing: Effect.Effect<void>
  /** Runs after its gossip topic has closed. */
  readonly onFailed: Effect.Effect<void>
}

/** Its options and its parts, which `makeLiveTopic` makes. */
export interface LiveTopicParts extends LiveTopicOptions {
  readonly scope: Scope.Scope
  readonly activity: ActivityLog
  readonly records: RecordPublisher.RecordPublisher<TopicRecordContent>
  readonly dhtStats: Effect.Effect<DhtStats>
  readonly checkKeys: SessionContext["checkKeys"]
  /** For the gossip of a members-only topic. */
  readonly members: MembersOptions
  readonly doors: DoorWatch
}
