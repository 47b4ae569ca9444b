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

/** Whether the message is one of PlumTree: in these swarms they carry notes of presence only. */
export const isBroadcast = ({ _tag }: Message<string>): boolean =>
  _tag === "Gossip" || _tag === "IHave" || _tag === "Graft" || _tag === "Prune"

/** Bytes of a whisper: length prefix, enum tag, length of the bytes. */
export const whisperBytes = (bytes: Uint8Array): number => 5 + varint(bytes.length) + bytes.length
