/**
 * Accepts the incoming connections of an endpoint, as far as {@link Admission} allows. It does not know what a
 * connection is for.
 */
import type * as Iroh from "@number0/iroh"
import type { Timers } from "@topic-tracker/common"
import { Admission, HANDSHAKE_MS, type Network, networkOf } from "./Admission.ts"
import type { BoundEndpoint } from "./endpoint.ts"

/**
 * Calls of `acceptNext` at a time. Each takes a change of threads; one call after the other would let a burst of handshakes that are never
 * finished wait in front of an honest one.
 */
const ACCEPT_CALLS = 16

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
    const isProven = await incoming.remoteAddrValidated()
    // Without further calls into the binding: there may be thousands of these.
    if (!isProven && !admission.hasUnprovenPlace) {
      options.retried()
      return incoming.retry()
    }
    const network = networkOf(await incoming.remoteAddr())
    if (isProven && !admission.hasPlace(network)) {
      options.refused()
      return incoming.refuse()
    }
    const end = admission.begin(network, isProven)
    const timeout = timers.schedule(HANDSHAKE_MS, end)
    try {
      const accepting = await incoming.accept()
      options.accepted(await accepting.connect(), network)
    } finally {
      timers.cancel(timeout)
      end()
    }
  }

  const acceptNext = (): void => {
    if (endpoint.native === undefined) return
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
  for (let i = 0; i < ACCEPT_CALLS; i++) acceptNext()
}
