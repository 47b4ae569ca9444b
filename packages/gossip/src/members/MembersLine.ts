/** The part that the router of the doors knows of a members-only topic and of its transport. Types only. */
import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { DialOptions, TransportHandler } from "../transport/Connection.ts"
import type { DoorFailure, DoorTopic } from "./Door.ts"
import type { RepairMessage } from "./repairMessages.ts"

/**
 * The answer to a peer that knocks at the door.
 *
 * @since 0.1.0
 * @category models
 */
export type DoorAnswer = "admit" | "not allowed" | "busy"

/**
 * A members-only topic, as the router sees it.
 *
 * @since 0.1.0
 * @category models
 */
export interface MembersLine {
  readonly door: DoorTopic
  /** The engine of the topic. */
  readonly handler: TransportHandler
  /** Whether the peer may be a neighbour. Undefined: everybody with the secret may. */
  readonly allow: ((peer: EndpointId.EndpointId, answer: (answer: DoorAnswer) => void) => void) | undefined
  /** The peer has proven membership, for this minute. `flags`: its statements, `DoorFlag` of crypto. */
  readonly proven: (epoch: number, peer: EndpointId.EndpointId, flags: number) => void
  readonly refused: (peer: EndpointId.EndpointId, reason: DoorFailure, byPeer: boolean) => void
  /** The connections with the peer close now because it is no member any more: it is gone for good, not lost. */
  readonly excluded: (peer: EndpointId.EndpointId) => void
  /** Repair messages go to and come from this peer from now on, until `repairsClosed`. */
  readonly repairsOpened: (
    peer: EndpointId.EndpointId,
    send: (message: RepairMessage) => void,
    takesWhispers: boolean,
  ) => void
  readonly repairsClosed: (peer: EndpointId.EndpointId) => void
  readonly repair: (peer: EndpointId.EndpointId, message: RepairMessage) => void
}

/**
 * The parts of a transport that the router uses.
 *
 * @since 0.1.0
 * @category models
 */
export interface MembersTransport {
  readonly endpointId: EndpointId.EndpointId
  readonly timers: Timers
  readonly dial: (peer: EndpointId.EndpointId, options?: DialOptions) => void
}
