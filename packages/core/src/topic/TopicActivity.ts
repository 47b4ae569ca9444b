/**
 * A topic's account of its own doings, for people and for measuring: what was published, found, dialled and joined, and when.
 * It is not needed to use a topic, and costs next to nothing while nobody listens.
 */
import type { EndpointId } from "@topic-tracker/crypto"

/** Which part of a topic did it. */
export type Actor = "bootstrap" | "reconnect" | "publisher" | "bubbleMerge" | "messageOverlapMerge"

/** The record a peer was known from: who published it, and for which minute. */
export interface Evidence {
  readonly publisher: EndpointId.EndpointId
  readonly unixMinute: bigint
}

/** One entry of a topic's account: what it did, and when. */
export type TopicActivity = {
  /** Milliseconds since the topic was opened. */
  readonly at: number
} & Doing

/** What a topic did. Times are milliseconds, minutes those since 1970. */
export type Doing =
  /** The search for a first neighbour begins: at the start, after a resume, or when the last neighbour is gone. */
  | { readonly _tag: "BootstrapBegan" }
  /** Our record is on `stored` DHT nodes. `millis`: from the decision until it was there. */
  | {
      readonly _tag: "RecordPublished"
      readonly by: Actor
      readonly unixMinute: bigint
      readonly stored: number
      readonly millis: number
    }
  /** Nothing was published: the slot shows enough records of others. */
  | { readonly _tag: "RecordSkipped"; readonly by: Actor; readonly unixMinute: bigint; readonly shown: number }
  /** Nothing was published: every DHT node keeps the record that it got first. Whoever reads finds that one. */
  | { readonly _tag: "RecordRefused"; readonly by: Actor; readonly unixMinute: bigint }
  /** A record not seen before. `millis`: since the walk that found it began. */
  | {
      readonly _tag: "RecordFound"
      readonly publisher: EndpointId.EndpointId
      readonly unixMinute: bigint
      /** How many peers it names beside its publisher. */
      readonly peers: number
      readonly millis: number
    }
  /** A peer is asked to let us in. */
  | { readonly _tag: "DialBegan"; readonly peer: EndpointId.EndpointId; readonly through: Evidence }
  /** It did not become a neighbour within its time; another is tried, and this one again later. */
  | { readonly _tag: "DialUnanswered"; readonly peer: EndpointId.EndpointId; readonly millis: number }
  /** The first neighbour is up. `through`: the record we knew it from; undefined when it was the one that dialled. */
  | {
      readonly _tag: "Joined"
      readonly peer: EndpointId.EndpointId
      readonly through: Evidence | undefined
      /** Since the search began. */
      readonly millis: number
    }
  /** Peers that were neighbours until we lost them, or were suspended, are asked again. */
  | { readonly _tag: "Reconnecting"; readonly peers: ReadonlyArray<EndpointId.EndpointId> }
  /** The last neighbour is gone. */
  | { readonly _tag: "Alone" }
  /** A merge found peers that we should be neighbours of and asks them. */
  | { readonly _tag: "Merging"; readonly by: Actor; readonly peers: ReadonlyArray<EndpointId.EndpointId> }
  /** Something failed and will be tried again. */
  | { readonly _tag: "Failed"; readonly by: Actor; readonly message: string }
  | { readonly _tag: "NetworkChanged" }
  | { readonly _tag: "Suspended" }
  | { readonly _tag: "Resumed" }
