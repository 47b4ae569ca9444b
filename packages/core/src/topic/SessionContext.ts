/**
 * The services and state that the parts of a running topic share. A session lasts from a join or resume until the topic is left or
 * suspended. Every fiber of it runs in its scope. All fields are readonly: a state that changes belongs to one class (`OwnRecord`,
 * `Search`, `SwarmView`, …).
 */
import type { Signal, Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { DhtStats } from "@topic-tracker/dht"
import type { EndpointAddress, Gossip, GossipTopic } from "@topic-tracker/gossip"
import type { Effect, Scope } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { Tuning } from "../config/Tuning.ts"
import type { RecordPublisher } from "../records/RecordPublisher.ts"
import type { TopicRecordContent } from "../records/TopicRecordContent.ts"
import type { RateLimiter } from "../shared/RateLimiter.ts"
import type { ActivityLog } from "./ActivityLog.ts"
import type { TrickleTimer } from "./joined/TrickleTimer.ts"
import type { SlotLoad } from "./knowledge/SlotLoad.ts"
import type { SwarmView } from "./knowledge/SwarmView.ts"

export interface SessionContext {
  readonly access: "open" | "members"
  readonly config: TopicConfig
  readonly tuning: Tuning
  readonly gossip: GossipTopic
  readonly records: RecordPublisher<TopicRecordContent>
  readonly dhtStats: Effect.Effect<DhtStats>
  readonly swarm: SwarmView
  readonly activity: ActivityLog
  readonly scope: Scope.Scope
  readonly timers: Timers
  readonly rateLimiter: RateLimiter
  /** Lets the workers skip runs while other nodes publish. */
  readonly trickle: TrickleTimer
  /** Lets the workers wait while the nodes of the slot answer few queries. */
  readonly slotLoad: SlotLoad
  /** Succeeds if the secret rotation gives a key for the current minute. */
  readonly checkKeys: Effect.Effect<unknown>
  /** Our addresses, as far as they are published. */
  readonly ownAddress: Effect.Effect<EndpointAddress>
  /** How many peers refused us at the door of a members-only topic, if no door has opened yet. */
  readonly closedDoors: () => number
  /** The endpoints that invitations name, as keys of their addresses. They are dialled in each search, beside the DHT. */
  readonly invited: ReadonlyMap<EndpointId.EndpointId, EndpointAddress>
  /** Stores a peer's addresses for later dials. */
  readonly learnAddress: Gossip["Service"]["learnAddress"]
  /** Opened when a new lookup may find more than the last one. A search that waits then does a lookup at once. */
  readonly lookupWanted: Signal
}
