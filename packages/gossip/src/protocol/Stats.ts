/** Counters of one topic. Plain numbers that only grow until they are reset. */
export interface TopicStats {
  messagesSent: number
  messagesReceived: number
  /** Gossip messages received, duplicates and forgeries included. */
  payloadMessagesReceived: number
  /** Prune, Graft and IHave messages received. */
  controlMessagesReceived: number
  /** The most hops that a payload delivered here had come. */
  maxLastDeliveryHop: number
  /** Payloads dropped because we had them already. */
  duplicatePayloads: number
  /** Payloads dropped because their id is not the BLAKE3 hash of their content. */
  forgedPayloads: number
  /** Messages dropped because they make no sense from this peer, by our own rules. */
  droppedMessages: number
}

export const makeTopicStats = (): TopicStats => ({
  messagesSent: 0,
  messagesReceived: 0,
  payloadMessagesReceived: 0,
  controlMessagesReceived: 0,
  maxLastDeliveryHop: 0,
  duplicatePayloads: 0,
  forgedPayloads: 0,
  droppedMessages: 0,
})

/** Sets every counter to 0. */
export const resetTopicStats = (stats: TopicStats): void => {
  Object.assign(stats, makeTopicStats())
}
