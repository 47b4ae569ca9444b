/**
 * Accepts the incoming connections of an endpoint, with a limit on handshakes. There is one loop for each endpoint, because
 * `acceptNext` must have one caller. It does not know what a connection is for.
 */
import type * as Iroh from "@number0/iroh"
import type { Timers } from "@topic-tracker/common"
import type { BoundEndpoint } from "./endpoint.ts"

/** Handshakes of incoming connections at a time; further ones are refused. */
const MAX_HANDSHAKES = 256

/** The time from a failure to accept to the next attempt. */
const RETRY_MS = 100

export interface AcceptOptions {
  readonly timers: Timers
  /** Whether this connection may be accepted; otherwise it is refused. */
  readonly mayAccept: () => boolean
  /** A connection whose handshake has succeeded. */
  readonly accepted: (connection: Iroh.Connection) => void
}

/** Accepts until the endpoint closes or the returned function is called. */
export const acceptConnections = (
  endpoint: BoundEndpoint,
  { accepted, mayAccept, timers }: AcceptOptions,
): (() => void) => {
  let isStopped = false
  let handshakes = 0

  const handshake = async (incoming: Iroh.Incoming): Promise<void> => {
    if (isStopped || handshakes >= MAX_HANDSHAKES || !mayAccept()) return incoming.refuse()
    handshakes++
    try {
      const accepting = await incoming.accept()
      accepted(await accepting.connect())
    } finally {
      handshakes--
    }
  }

  const acceptNext = (): void => {
    if (isStopped || endpoint.native === undefined) return
    endpoint.native.acceptNext().then(
      (incoming) => {
        // The endpoint has closed.
        if (incoming === null) return
        // A handshake that fails concerns only the peer.
        handshake(incoming).catch(() => {})
        acceptNext()
      },
      () => {
        if (endpoint.native?.isClosed() === false) timers.schedule(RETRY_MS, acceptNext)
      },
    )
  }
  acceptNext()
  return () => {
    isStopped = true
  }
}
