/** Errors that concern one peer: the message says which, in the short form of the commands. */
import { PeerError, type PeerErrorReason } from "./PeerError.ts"

export interface Failure {
  readonly reason: PeerErrorReason
  readonly message: string
}

/** The error of a peer. Its whole id is in the field `peer`. */
export const errorOf = (peer: string, { message, reason }: Failure, protocol?: string): PeerError =>
  new PeerError({
    reason,
    peer,
    ...(protocol === undefined ? {} : { protocol }),
    message: `peer ${peer.slice(0, 8)}…: ${message}`,
  })
