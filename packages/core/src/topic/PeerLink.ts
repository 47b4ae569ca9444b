/** The part of a topic that a package above needs to open streams to its peers: the connections, and how a peer proves that it is a member. */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { Exclusion, Gossip, MembersTopic, PeerConnections } from "@topic-tracker/gossip"
import type { DoorTopic } from "@topic-tracker/gossip/members"
import { Deferred, Effect, type Scope } from "effect"
import type { MembersSource } from "./MembersSource.ts"

/**
 * One session of a topic, for protocols beside gossip. Programs use `@topic-tracker/peers`.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeerLink {
  /** The id of this node. */
  readonly endpointId: EndpointId.EndpointId
  readonly connections: PeerConnections
  /** The topic's id on gossip streams, 32 bytes. */
  readonly gossipTopic: Uint8Array
  /** The keys with which members prove themselves; undefined if the topic is open to everybody with its name. */
  readonly door: DoorTopic | undefined
  /** Whether the topic's `allow` lets the peer open streams to us. */
  readonly admits: (peer: EndpointId.EndpointId) => Effect.Effect<boolean>
  /**
   * Calls the listener with each peer that is no member any more for this node, until the returned function is called. Never for a topic that is
   * open to everybody.
   */
  readonly onExcluded: (listener: (exclusion: Exclusion) => void) => () => void
  /** The notes and whispers of a members-only topic; undefined if the topic is open to everybody. */
  readonly notes: MembersTopic["notes"] | undefined
  /** Shows the members of the topic to programs that watch this node, until the Scope closes. The last one that was shown counts. */
  readonly showMembers: (source: MembersSource) => Effect.Effect<void, never, Scope.Scope>
  /** The members that are shown now. */
  readonly shownMembers: Effect.Effect<MembersSource | undefined>
  /** Completes when the session ends: the topic was left or suspended. */
  readonly ended: Effect.Effect<void>
}

/** The link of a session. `members`: undefined if the topic is open to everybody. */
export const makePeerLink = (parts: {
  readonly gossip: Gossip["Service"]
  readonly key: { readonly gossipTopic: TopicId }
  readonly members: MembersTopic | undefined
  readonly ended: Deferred.Deferred<void>
}): PeerLink => {
  const shown = new Set<MembersSource>()
  return {
    endpointId: parts.gossip.endpointId,
    connections: parts.gossip.connections,
    gossipTopic: parts.members === undefined ? parts.key.gossipTopic.bytes : parts.members.door.gossipTopic,
    door: parts.members?.door,
    admits: (peer) =>
      parts.members === undefined
        ? Effect.succeed(true)
        : Effect.map(parts.members.admission(peer, "stream"), (answer) => answer !== "refuse"),
    onExcluded: (listener) => parts.members?.onExcluded(listener) ?? (() => {}),
    notes: parts.members?.notes,
    showMembers: (source) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => shown.add(source)),
          () => Effect.sync(() => shown.delete(source)),
        ),
      ),
    shownMembers: Effect.sync(() => [...shown].at(-1)),
    ended: Deferred.await(parts.ended),
  }
}
