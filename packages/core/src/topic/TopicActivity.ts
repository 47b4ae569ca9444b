/**
 * The activity of a topic as data, for people and for measurements: what it published, found, dialled and joined, and when. A
 * program does not need it to use a topic, and it costs almost nothing without subscribers.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { DoorFailure } from "@topic-tracker/gossip"
import type { SlotEvent } from "../records/SecondSlot.ts"

/**
 * The part of a topic that did something.
 *
 * @since 0.1.0
 * @category models
 */
export type Actor = "bootstrap" | "memberSearch" | "reconnect" | "publisher" | "bubbleMerge" | "messageOverlapMerge"

/**
 * The record that led to a peer: its publisher and its minute.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordSource {
  readonly publisher: EndpointId.EndpointId
  readonly unixMinute: bigint
}

/**
 * One entry of `topic.activity`.
 *
 * @since 0.1.0
 * @category models
 */
export type TopicActivity = {
  /** Milliseconds since the topic was opened. */
  readonly at: number
} & Activity

/**
 * One activity of a topic. `millis` is in milliseconds, `unixMinute` in minutes since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export type Activity =
  /** The search for a first neighbour begins: at the start, after a resume, or when the last neighbour is gone. */
  | { readonly _tag: "BootstrapBegan" }
  /** `stored` DHT nodes hold our record. `millis`: from the decision to publish until they did. */
  | {
      readonly _tag: "RecordPublished"
      readonly by: Actor
      readonly unixMinute: bigint
      readonly stored: number
      readonly millis: number
      /** Present if this is about the second slot. */
      readonly slot?: "second"
    }
  /** Strangers or DHT nodes keep the public slot from showing our records: the second slot comes into use, or is no longer needed. */
  | SlotEvent
  /** Nothing was published: the slot holds enough records of other nodes. `found`: how many were read. */
  | { readonly _tag: "RecordSkipped"; readonly by: Actor; readonly unixMinute: bigint; readonly found: number }
  /** Nothing was published: every DHT node keeps the record that it got first, and returns that one. */
  | { readonly _tag: "RecordRefused"; readonly by: Actor; readonly unixMinute: bigint }
  /** A record that this search had not seen. `millis`: since the lookup that found it began. */
  | {
      readonly _tag: "RecordFound"
      readonly publisher: EndpointId.EndpointId
      readonly unixMinute: bigint
      /** The number of peers that the record names, without its publisher. */
      readonly peers: number
      readonly millis: number
    }
  /** The topic asks a peer to become a neighbour. `source`: the record that led to it; undefined if an invitation did. */
  | { readonly _tag: "DialBegan"; readonly peer: EndpointId.EndpointId; readonly source: RecordSource | undefined }
  /** The peer did not become a neighbour in time. Another peer is dialled, and this one again later. */
  | { readonly _tag: "DialUnanswered"; readonly peer: EndpointId.EndpointId; readonly millis: number }
  /** The first neighbour is up. `source`: the record that led to it; undefined if the peer dialled us, or an invitation led to it. */
  | {
      readonly _tag: "Joined"
      readonly peer: EndpointId.EndpointId
      readonly source: RecordSource | undefined
      /** Since the search began. */
      readonly millis: number
    }
  /**
   * The first neighbour was found in the slot of another minute: our clock is ahead of its clock by these minutes; negative: behind. One of
   * the two is wrong. Once in a session.
   */
  | { readonly _tag: "ClockOff"; readonly minutes: number }
  /** The topic asks peers that were neighbours before a connection broke, or before a suspend. */
  | { readonly _tag: "Reconnecting"; readonly peers: ReadonlyArray<EndpointId.EndpointId> }
  /**
   * There are neighbours, but no record shows one of them as a member: they may be strangers, who know the topic's name but not its secret.
   * The topic searches for members.
   */
  | { readonly _tag: "NoKnownMember"; readonly neighbors: number }
  /**
   * Records of nodes that joined this topic with the other access, in which they cannot meet this node: all must use the same one. Once in
   * a topic's life.
   */
  | { readonly _tag: "AccessMismatch"; readonly theirs: "open" | "members" }
  /**
   * There are records of this topic, but none opens, or members were dialled and no door opens: the secret is probably wrong, or a stranger
   * fills the slot. `records`: how many were read. Once in a topic's life.
   */
  | { readonly _tag: "NothingOpens"; readonly records: number }
  /**
   * A door between this node and a peer did not open, so the peer is no neighbour: it has not proven the secret, `allow` refused it, or it
   * refused us (`byPeer`). The same refusal of a peer is reported once in a minute, and those of strangers not all.
   */
  | {
      readonly _tag: "Refused"
      readonly peer: EndpointId.EndpointId
      readonly reason: DoorFailure
      readonly byPeer: boolean
    }
  /** This node was a member, and no member lets it in any more: it lacks a new secret, or was refused by `allow`. */
  | { readonly _tag: "AccessLost" }
  /** The last neighbour is gone. */
  | { readonly _tag: "Alone" }
  /** A merge found peers that should be our neighbours, and asks them. */
  | { readonly _tag: "Merging"; readonly by: Actor; readonly peers: ReadonlyArray<EndpointId.EndpointId> }
  /** Something failed. The topic will try it again. */
  | { readonly _tag: "Failed"; readonly by: Actor; readonly message: string }
  | { readonly _tag: "NetworkChanged" }
  | { readonly _tag: "Suspended" }
  | { readonly _tag: "Resumed" }

/**
 * Counters since the topic was opened.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicStats {
  /** Lookups of records in the DHT, each in the slots of one minute or two. */
  readonly lookups: number
  /** Runs that a worker skipped because this node had enough neighbours and other nodes published. */
  readonly runsSkipped: number
  readonly recordsPublished: number
  /** Publications that were skipped because the slot held enough records. */
  readonly recordsSkipped: number
  /** Puts after which every DHT node kept a record that it had before ours. */
  readonly recordsRefused: number
  readonly dials: number
  /** Merges that asked peers to become neighbours. */
  readonly merges: number
  /** Failed activities of the search and the workers. */
  readonly failures: number
  readonly messagesReceived: number
}
