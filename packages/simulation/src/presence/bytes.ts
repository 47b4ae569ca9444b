/** The size of each message on a stream, as the codec of gossip writes it, with its length prefix. PROTOCOL.md has the layouts. */
import type { Message } from "@topic-tracker/gossip/stateMachine"

/** Length prefix and both enum tags. */
const FRAME_BYTES = 6
/** An id and the addresses of a peer with one IPv4 and one IPv6 address. */
const PEER_BYTES = 32 + 40

const varint = (value: number): number => (value < 128 ? 1 : value < 16_384 ? 2 : 3)

/** Bytes of a gossip message. */
export const gossipBytes = (message: Message<string>): number => {
  switch (message._tag) {
    case "Gossip":
      return FRAME_BYTES + 32 + varint(message.content.length) + message.content.length + 2
    case "IHave":
      return FRAME_BYTES + 1 + 33 * message.messages.length
    case "Graft":
      return FRAME_BYTES + 35
    case "Prune":
      return FRAME_BYTES
    case "Join":
      return FRAME_BYTES + 41
    case "ForwardJoin":
      return FRAME_BYTES + PEER_BYTES + 1
    case "Shuffle":
      return FRAME_BYTES + 34 + PEER_BYTES * message.nodes.length
    case "ShuffleReply":
      return FRAME_BYTES + 1 + PEER_BYTES * message.nodes.length
    case "Neighbor":
      return FRAME_BYTES + 42
    case "Disconnect":
      return FRAME_BYTES + 2
  }
}

/** The purposes of bytes. In these swarms PlumTree carries notes of presence only. */
const KINDS = [
  "notes",
  "ids of notes",
  "repairs of the tree",
  "digests",
  "lists for newcomers",
  "comparisons",
  "membership",
] as const
export type TrafficKind = (typeof KINDS)[number]

/** Bytes by their purpose. */
export type Traffic = Record<TrafficKind, number>

export const noTraffic = (): Traffic => ({
  notes: 0,
  "ids of notes": 0,
  "repairs of the tree": 0,
  digests: 0,
  "lists for newcomers": 0,
  comparisons: 0,
  membership: 0,
})

/** The traffic since `before`, each kind times `factor`. */
export const trafficSince = (traffic: Traffic, before: Traffic, factor: number): Traffic => {
  const result = noTraffic()
  for (const kind of KINDS) result[kind] = (traffic[kind] - before[kind]) * factor
  return result
}

/** The bytes of presence: all but those of gossip's membership. */
export const presenceBytes = (traffic: Traffic): number =>
  KINDS.reduce((sum, kind) => sum + (kind === "membership" ? 0 : traffic[kind]), 0)

export const kindOfMessage = ({ _tag }: Message<string>): TrafficKind => {
  switch (_tag) {
    case "Gossip":
      return "notes"
    case "IHave":
      return "ids of notes"
    case "Graft":
    case "Prune":
      return "repairs of the tree"
    default:
      return "membership"
  }
}

/** By the first byte: 1 is a digest, 6 asks for a page of the list, 7 is one. */
export const kindOfWhisper = (bytes: Uint8Array): TrafficKind =>
  bytes[0] === 1 ? "digests" : bytes[0] === 6 || bytes[0] === 7 ? "lists for newcomers" : "comparisons"

/** Bytes of a whisper: length prefix, enum tag, length of the bytes. */
export const whisperBytes = (bytes: Uint8Array): number => 5 + varint(bytes.length) + bytes.length
