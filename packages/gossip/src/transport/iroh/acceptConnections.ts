/**
 * Accepts the incoming connections of an endpoint, as far as {@link Admission} allows. It does not know what a
 * connection is for.
 */
import type * as Iroh from "@number0/iroh"
import type { Timers } from "@topic-tracker/common"
import { Admission, HANDSHAKE_MS, type Network, networkOf } from "./Admission.ts"
import type { BoundEndpoint } from "./endpoint.ts"

/**
 * Calls of `acceptNext` at a time, at most. Each takes a change of threads; one call after the other would let a burst of handshakes that
 * are never finished wait in front of an honest one. An endpoint begins with one call, because a node that starts has other things to do,
 * and makes one more with each handshake.
 */
const MAX_ACCEPT_CALLS = 16

/** The time from a failure to accept to the next attempt. */
const RETRY_MS = 100

export interface AcceptOptions {
  readonly timers: Timers
  /** Whether connections are accepted now; otherwise they are refused. */
  readonly isListening: () => boolean
  /** A connection whose handshake has succeeded, and the network that it came from. */
  readonly accepted: (connection: Iroh.Connection, network: Network) => void
  readonly refused: () => void
  readonly retried: () => void
}

/** Accepts until the endpoint closes. */
export const acceptConnections = (endpoint: BoundEndpoint, options: AcceptOptions): void => {
  const { timers } = options
  const admission = new Admission()

  const handshake = async (incoming: Iroh.Incoming): Promise<void> => {
    if (!options.isListening()) return incoming.refuse()
    // No question to the binding: each takes a change of threads, and a join waits for it.
    if (admission.hasUnprovenPlace) return connect(incoming, admission.beginUnproven())
    // Without further calls into the binding: there may be thousands of these.
    if (!(await incoming.remoteAddrValidated())) {
      options.retried()
      return incoming.retry()
    }
    const network = networkOf(await incoming.remoteAddr())
    if (!admission.hasPlace(network)) {
      options.refused()
      return incoming.refuse()
    }
    return connect(incoming, admission.beginProven(network))
  }

  const connect = async (incoming: Iroh.Incoming, end: () => void): Promise<void> => {
    const timeout = timers.schedule(HANDSHAKE_MS, end)
    try {
      const accepting = await incoming.accept()
      const connection = await accepting.connect()
      options.accepted(connection, networkOf(originOf(connection.paths())))
    } finally {
      timers.cancel(timeout)
      end()
    }
  }

  let calls = 0

  const acceptNext = (): void => {
    if (endpoint.native === undefined) return
    calls++
    endpoint.native.acceptNext().then(
      (incoming) => {
        calls--
        // The endpoint has closed.
        if (incoming === null) return
        // A handshake that fails concerns only the peer.
        handshake(incoming).catch(() => {})
        acceptNext()
        if (calls < MAX_ACCEPT_CALLS) acceptNext()
      },
      () => {
        calls--
        if (endpoint.native?.isClosed() === false) timers.schedule(RETRY_MS, acceptNext)
      },
    )
  }
  acceptNext()
}

/** The address that a connection came from. A connection that is closed already has no path. */
const originOf = (paths: ReadonlyArray<Iroh.PathSnapshot>): Iroh.IncomingAddr => {
  const path = paths.find(({ isSelected }) => isSelected) ?? paths[0]
  return path?.isIp === true ? { kind: "ip", addr: path.remoteAddr } : { kind: "relay" }
}
