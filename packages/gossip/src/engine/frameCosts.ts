/**
 * Estimates of the work that a frame of a peer causes, in microseconds of processor time: see WorkBudget.ts. Measured on a core of 2020 and
 * rounded up. It looks at the first two bytes of a frame only, the protocol and the message in it (see codec/message.ts).
 */

/**
 * A message and each action that follows from it, a byte (of 256) of any message, a byte that is queued for a peer (of 200), and a byte of
 * a message that names peers (of 1; their keys are points to be checked).
 */
const MESSAGE_COST = 10
const ACTION_COST = 6
const BYTES_PER_COST = 256
const QUEUED_BYTES_PER_COST = 200
const MEMBERSHIP_COST = 30
const MAX_NAMES_COST = 1_000

/** A chunk of bytes that completes no frame, or that a stranger sends. */
export const CHUNK_COST = 40
export const MALFORMED_COST = 100

/** A frame for a topic that is not open here; one that is to be answered with a Disconnect. */
export const SKIPPED_COST = 2
export const REFUSED_COST = 50

/**
 * One microsecond is for so many bytes that are received from a stranger, and from a neighbour, whose announcements and duplicates come as
 * fast as the topic's messages. Short frames are free of it, for a peer that joins many topics.
 */
const RECEIVED_BYTES_PER_COST = 3
const NEIGHBOR_BYTES_PER_COST = 12
const FREE_RECEIVED_BYTES = 128

const MEMBERSHIP = 0
const BROADCAST = 1
const JOIN = 0
const NEIGHBOR = 4
const SHUFFLE_REPLY = 3
const GOSSIP = 0
const MAX_TAGS = [5, 3]

export const isPayload = (frame: Uint8Array): boolean => frame[0] === BROADCAST && frame[1] === GOSSIP

/** Whether the peer asks to become a neighbour. */
export const isRequest = (frame: Uint8Array): boolean =>
  frame[0] === MEMBERSHIP && (frame[1] === JOIN || frame[1] === NEIGHBOR)

/** Whether there is a message of this kind. */
export const hasKnownTag = (frame: Uint8Array): boolean => frame[1]! <= MAX_TAGS[frame[0]!]!

/** Receiving the frame: its packets are decrypted, and the binding returns an array of numbers. `isNeighbor`: in the frame's topic. */
export const receivingCost = (frame: Uint8Array, isNeighbor: boolean): number =>
  Math.max(0, frame.length - FREE_RECEIVED_BYTES) / (isNeighbor ? NEIGHBOR_BYTES_PER_COST : RECEIVED_BYTES_PER_COST)

/** Handling the message, from which so many actions followed, and messages of so many bytes for peers. */
export const handlingCost = (frame: Uint8Array, actions: number, queuedBytes: number): number => {
  const cost =
    MESSAGE_COST + frame.length / BYTES_PER_COST + ACTION_COST * actions + queuedBytes / QUEUED_BYTES_PER_COST
  if (frame[0] !== MEMBERSHIP) return cost
  const namesPeers = frame[1]! > JOIN && frame[1]! <= SHUFFLE_REPLY
  return cost + MEMBERSHIP_COST + (namesPeers ? Math.min(frame.length, MAX_NAMES_COST) : 0)
}
