/**
 * The state and functions that the parts of the engine share. Each part gets them at construction; no part knows the engine itself
 * or the parts above it.
 * The hot path runs through here, so it is plain data and functions.
 */
import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { makeMessageDecoder } from "../protocol/codec/message.ts"

import type { Event, ProtocolConfig, Rng } from "../protocol/index.ts"
import type { LatencyHistogram } from "../protocol/LatencyHistogram.ts"
import type { FairTurns } from "./FairTurns.ts"
import type { MessageEncoder } from "./MessageEncoder.ts"
import type { Turn } from "./Turn.ts"

export interface EngineOptions {
  readonly protocol: ProtocolConfig
  readonly rng: Rng
  /** Bytes in the queue for one peer on one topic from which on the topic is congested. */
  readonly sendQueueBytes: number
  /** A slow queue that takes less than half of `sendQueueBytes` within this time, in ms, is given up: the peer's connections are closed. */
  readonly stallTimeoutMs: number
  /** A connection that no topic needs waits this long for the peer's streams to end, in ms. */
  readonly lingerMs: number
  /** Runs for each exception in the engine or in the protocol's state machine. */
  readonly onDefect: (defect: unknown) => void
}

export interface EngineContext {
  readonly options: EngineOptions
  readonly timers: Timers
  readonly counters: Counters
  /** From the time that a message was queued on a stream until the transport had taken it. */
  readonly writeTimes: LatencyHistogram
  readonly encoder: MessageEncoder
  readonly decode: ReturnType<typeof makeMessageDecoder>
  readonly turn: Turn
  readonly fair: FairTurns
  readonly load: Load
  /** Gives an event to the protocol and performs its actions. Call it within a turn only. Never throws. */
  readonly feed: (event: Event) => void
  /** The same in a turn of its own. */
  readonly dispatch: (event: Event) => void
  /** Reports an exception, and disconnects the peer whose data was handled. Does not throw unless the report does. */
  readonly fail: (defect: unknown, peer: EndpointId.EndpointId | undefined) => void
}

/** Counts of what the engine does, so that a part of it can see what followed from one message. */
export interface Load {
  actions: number
  /** Events for subscribers. */
  emitted: number
  /** Bytes of messages that were queued for peers. */
  queuedBytes: number
  /** The time in which validators looked at contents that they did not accept. */
  refusingMs: number
}

/** The counters of the engine. Those that topics count are here for the topics that were closed. */
export const makeCounters = () => ({
  messagesOut: 0,
  messagesIn: 0,
  bytesOut: 0,
  bytesIn: 0,
  writes: 0,
  reads: 0,
  malformedStreams: 0,
  refusedStreams: 0,
  unsendable: 0,
  dials: 0,
  dialFailures: 0,
  stalls: 0,
  withheld: 0,
  refused: 0,
  expelled: 0,
  throttled: 0,
  skippedMessages: 0,
  lagged: 0,
  defects: 0,
  forgedPayloads: 0,
  ignoredPayloads: 0,
  rejectedPayloads: 0,
  duplicatePayloads: 0,
  droppedMessages: 0,
  droppedNames: 0,
  refusedRequests: 0,
  droppedAnnouncements: 0,
  droppedGrafts: 0,
})

export type Counters = ReturnType<typeof makeCounters>
