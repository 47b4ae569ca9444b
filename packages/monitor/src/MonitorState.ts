/** What the page shows, as plain data: the server sends it as JSON, the page draws it. */

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
  readonly access: "open" | "members"
  readonly neighbors: ReadonlyArray<NeighborState>
  /** Other nodes of the topic, as records name them, each with its neighbours. */
  readonly links: ReadonlyArray<readonly [publisher: string, peers: ReadonlyArray<string>]>
  /** The way to the first neighbour, and what came after. */
  readonly timeline: ReadonlyArray<Line>
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
  /** The last five minutes, the oldest first. */
  readonly samples: ReadonlyArray<Sample>
  readonly log: ReadonlyArray<Line>
}
