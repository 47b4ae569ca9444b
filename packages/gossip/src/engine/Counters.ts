/** What the gossip engine has counted since it started. Plain numbers that only grow, except the ones that say "now". */
export interface GossipStats {
  /** Messages handed to and taken from streams. */
  readonly messagesOut: number
  readonly messagesIn: number
  /** Bytes of streams, frames' prefixes and headers included. */
  readonly bytesOut: number
  readonly bytesIn: number
  /** Writes handed to and chunks read from the transport: with the above, how well frames are batched. */
  readonly writes: number
  readonly reads: number
  /** Streams given up because of a frame that is too long or no message. */
  readonly malformedStreams: number
  /** Messages that could not be sent because they are too large, or because their stream was refused. */
  readonly unsendable: number
  readonly dials: number
  readonly dialFailures: number
  /** Connections closed because the peer took nothing for the stall time. */
  readonly stalls: number
  /** Events that slow subscribers did not get. */
  readonly lagged: number
  /** Events on which the protocol's state machine threw: bugs of ours. */
  readonly defects: number
  /** Payloads whose id is not their hash, payloads we had already, messages that make no sense. */
  readonly forgedPayloads: number
  readonly duplicatePayloads: number
  readonly droppedMessages: number
  /** Now. */
  readonly topics: number
  readonly peers: number
  readonly connections: number
  readonly timers: number
}

/** The part of {@link GossipStats} that the engine counts as it goes; of what topics count, that of closed ones. */
export const makeCounters = () => ({
  messagesOut: 0,
  messagesIn: 0,
  bytesOut: 0,
  bytesIn: 0,
  writes: 0,
  reads: 0,
  malformedStreams: 0,
  unsendable: 0,
  dials: 0,
  dialFailures: 0,
  stalls: 0,
  lagged: 0,
  defects: 0,
  forgedPayloads: 0,
  duplicatePayloads: 0,
  droppedMessages: 0,
})

export type Counters = ReturnType<typeof makeCounters>
