/** Counters of the engine. */

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
