/** The parts of one session of a topic, from join or resume to leave or suspend. They are made here, and started in `LiveTopic.ts`. */
import { Signal } from "@topic-tracker/common"
import type { GossipTopic, MembersTopic } from "@topic-tracker/gossip"
import type { Deferred, Scope } from "effect"
import { askLost } from "./joined/askPeers.ts"
import { MemberSearch } from "./joined/MemberSearch.ts"
import { Reconnector } from "./joined/Reconnector.ts"
import { TrickleTimer } from "./joined/TrickleTimer.ts"
import { SlotLoad } from "./knowledge/SlotLoad.ts"
import type { SwarmView } from "./knowledge/SwarmView.ts"
import type { LiveTopicParts } from "./LiveTopicParts.ts"
import { OwnRecord } from "./OwnRecord.ts"
import type { PeerLink } from "./PeerLink.ts"
import type { SessionContext } from "./SessionContext.ts"
import { Search } from "./search/Search.ts"

/** The workers of a session. */
export interface Session {
  readonly context: SessionContext
  readonly scope: Scope.Closeable
  readonly ownRecord: OwnRecord
  readonly search: Search
  readonly reconnector: Reconnector
  readonly memberSearch: MemberSearch
}

/** A session that runs. */
export interface RunningSession extends Session {
  readonly link: PeerLink
  readonly ended: Deferred.Deferred<void>
  /** Undefined if the topic is open to everybody. */
  readonly members: MembersTopic | undefined
}

/** The parts of a session besides those of its topic. */
export interface SessionOptions {
  readonly gossip: GossipTopic
  readonly invited: SessionContext["invited"]
  readonly scope: Scope.Closeable
  readonly swarm: SwarmView
}

export const makeSession = (parts: LiveTopicParts, { gossip, invited, scope, swarm }: SessionOptions): Session => {
  const { checkKeys, dhtStats, doors, gossip: service, key, rateLimiter, timers } = parts
  const { config, tuning } = key.settings
  const context: SessionContext = {
    access: key.access,
    config,
    tuning,
    gossip,
    records: parts.records,
    dhtStats,
    swarm,
    activity: parts.activity,
    scope,
    timers,
    rateLimiter,
    trickle: new TrickleTimer(tuning.maxSuppression),
    slotLoad: new SlotLoad(timers, tuning.maxSuppression > 1),
    checkKeys,
    ownAddress: service.address,
    closedDoors: () => doors.closedDoors,
    invited,
    learnAddress: service.learnAddress,
    lookupWanted: new Signal(timers, false),
  }
  const ownRecord = new OwnRecord(context)
  const search = new Search(context, ownRecord)
  const reconnector = new Reconnector({ tuning, lost: swarm.lost, ask: askLost(context), timers, scope })
  return { context, scope, ownRecord, search, reconnector, memberSearch: new MemberSearch(context, ownRecord) }
}
