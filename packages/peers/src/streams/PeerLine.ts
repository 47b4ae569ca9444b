/** A topic as the streams of a node see it: who is let in, and which protocols are served. Types and pure functions. */
import type { EndpointId } from "@topic-tracker/crypto"
import type { DoorFailure, DoorTopic } from "@topic-tracker/gossip/members"
import type { PeerErrorReason } from "../PeerError.ts"
import type { FramedStream } from "./FramedStream.ts"
import type { Answer } from "./wire.ts"

/** Whether a peer is admitted; `answer` is called once, at once or later. */
export type Ask = (peer: EndpointId.EndpointId, answer: (isAdmitted: boolean) => void) => void

/** A protocol that this node serves. */
export interface ServedProtocol {
  readonly allow: Ask | undefined
  readonly accept: (peer: EndpointId.EndpointId, stream: FramedStream) => void
}

/** One user of a topic's streams. Several may be there for the same topic. */
export interface PeerLine {
  /** The topic's id on the wire, as hex. */
  readonly key: string
  readonly topic: Uint8Array
  /** Undefined if the topic is open to everybody with its name. */
  readonly door: DoorTopic | undefined
  readonly allow: Ask | undefined
  readonly served: Map<string, ServedProtocol>
}

/** The reason why a stream was not opened. */
export interface OpenFailure {
  readonly reason: PeerErrorReason
  readonly message: string
}

export const failureOfAnswer = (answer: Exclude<Answer, "open">): OpenFailure => {
  switch (answer) {
    case "not served":
      return { reason: "NotServed", message: "the peer does not serve this protocol" }
    case "refused":
      return { reason: "Refused", message: "the peer's `allow` does not admit this node" }
    case "not proven":
      return { reason: "NotAMember", message: "the peer has no valid proof that this node is a member" }
    case "too many streams":
      return {
        reason: "TooManyStreams",
        message: "the peer takes no more streams of this node now; close some, or wait",
      }
    case "no such topic":
      return { reason: "NotInTopic", message: "the peer does not take part in this topic" }
    case "no allow":
      return {
        reason: "Refused",
        message:
          "the topic is open to everybody with its name, and the peer's program gave no `allow`: it admits nobody",
      }
  }
}

export const failureOfDoor = (failure: DoorFailure, byPeer: boolean): OpenFailure => {
  const side = byPeer ? "the peer says" : "this node found"
  switch (failure) {
    case "not here":
      return { reason: "NotInTopic", message: "the peer does not take part in this topic, or has another secret" }
    case "not allowed":
      return { reason: "Refused", message: "the peer does not admit this node" }
    case "time":
      return { reason: "TimedOut", message: "the peer did not prove in time that it is a member" }
    case "busy":
      return { reason: "TooManyStreams", message: "the peer is busy; try again later" }
    default:
      return { reason: "NotAMember", message: `no proof of membership; ${side}: ${failure}` }
  }
}
