/** What the page shows, as plain data: the server sends it as JSON, the page draws it. */
import type { SeenMember } from "@topic-tracker/core"

/**
 * One second. Counts are per second.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sample {
  /** ms since 1970. */
  readonly at: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly dhtQueries: number
  readonly dhtServed: number
  /** Traffic that the node refused or dropped, by its kind. */
  readonly dropped: Readonly<Record<string, number>>
  /** Round trip to each neighbour, in ms. */
  readonly rtt: Readonly<Record<string, number>>
  /** Latencies of the last 15 seconds, by their kind; those without a time are left out. */
  readonly latencies: Readonly<Record<string, Percentiles>>
}

/**
 * Times in ms: half of all are below `p50`, 95 % below `p95`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
}

/**
 * The latencies of one kind in the last five minutes.
 *
 * @since 0.1.0
 * @category models
 */
export interface LatencyState extends Percentiles {
  readonly count: number
  /** How many fell into each bucket of `latencyBoundsMs`, and at the end how many were longer than all. */
  readonly counts: ReadonlyArray<number>
}

/**
 * The members of a topic, as the program's presence knows them.
 *
 * @since 0.1.0
 * @category models
 */
export interface MembersState {
  readonly count: number
  readonly suspected: number
  /** At most 100: first those that are suspected, then those that came last. */
  readonly first: ReadonlyArray<SeenMember>
  /** The members that came, were suspected, left or were lost; `at` is in ms since 1970. The newest is the last. */
  readonly changes: ReadonlyArray<Line>
}

/**
 * A neighbour on the page.
 *
 * @since 0.1.0
 * @category models
 */
export interface NeighborState {
  readonly peer: string
  /** Undefined if the network does not tell. */
  readonly path: { readonly isRelayed: boolean; readonly remoteAddress: string; readonly rttMs: number } | undefined
}

/**
 * One line of a time line or of the log.
 *
 * @since 0.1.0
 * @category models
 */
export interface Line {
  /** In the log ms since 1970, in a time line ms since the topic was opened. */
  readonly at: number
  readonly level: "info" | "good" | "bad"
  readonly text: string
}

/**
 * A topic on the page.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicState {
  readonly id: string
  /** The name that the program gave; undefined if it joined by id. */
  readonly name: string | undefined
  readonly access: "open" | "members"
  readonly neighbors: ReadonlyArray<NeighborState>
  /** Other nodes of the topic, as records name them, each with its neighbours. */
  readonly links: ReadonlyArray<readonly [publisher: string, peers: ReadonlyArray<string>]>
  /** The way to the first neighbour, and what came after. */
  readonly timeline: ReadonlyArray<Line>
  /** Undefined if the program has no presence in the topic. */
  readonly members: MembersState | undefined
  /** ms from the start of the search to the first neighbour. */
  readonly joinedMs: number | undefined
  readonly counters: Readonly<Record<string, number>>
}

/**
 * The state of a node that the page shows.
 *
 * @since 0.1.0
 * @category models
 */
export interface MonitorState {
  readonly endpointId: string
  readonly startedAt: number
  readonly now: number
  readonly addresses: ReadonlyArray<string>
  readonly relay: string | undefined
  readonly dht: Readonly<Record<string, number>>
  readonly gossip: Readonly<Record<string, number>>
  readonly topics: ReadonlyArray<TopicState>
  /** How long messages take, by kind: `roundTrip`, `echo`, `secondCopy`, `acknowledged`, `write`. The last five minutes, all topics. */
  readonly latencies: Readonly<Record<string, LatencyState>>
  readonly latencyBoundsMs: ReadonlyArray<number>
  /** Publishes on channels that did not get their acknowledgements in time, since the start of the process. */
  readonly unacknowledged: number
  /** The last five minutes, the oldest first. */
  readonly samples: ReadonlyArray<Sample>
  readonly log: ReadonlyArray<Line>
}
