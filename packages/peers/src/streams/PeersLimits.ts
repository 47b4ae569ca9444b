/** The bounds of what peers can make a node keep and do for their streams, with the defaults. */
import { Duration, Effect } from "effect"
import { PeerError } from "../PeerError.ts"

/**
 * Limits of the peer streams of a node, for all of its topics together. The first `Peers` of a node sets them.
 *
 * @since 0.1.0
 * @category options
 */
export interface PeersLimitsInput {
  /** Streams that all peers together may have open towards this node. Default 256. */
  readonly maxStreams?: number
  /** Streams that one peer may have open towards this node. Default 32. */
  readonly maxStreamsPerPeer?: number
  /** Streams that one peer may open in a second, on average. Default 50. */
  readonly openingsPerSecond?: number
  /** Streams that one peer may open at once. Default 100. */
  readonly openingBurst?: number
  /** Connections in all. Default 1,024. */
  readonly maxConnections?: number
  /** Connections with one peer that it may have made. Default 4. */
  readonly maxConnectionsPerPeer?: number
  /** Dials at a time. Default 256. */
  readonly maxDials?: number
  /** Bytes on their way to this node beyond 64 KiB of each stream, in all. Default 64 MiB. */
  readonly windowBytes?: number
  /** The same for one peer. Default 8 MiB. */
  readonly windowBytesPerPeer?: number
  /** Bytes a second of all streams towards this node, on average; twice as many in one second. Writers wait. Default 128 MiB. */
  readonly bytesPerSecond?: number
  /** The same for one peer. Default 64 MiB. */
  readonly bytesPerSecondPerPeer?: number
  /** A connection without streams closes after this time. Default 60 s. */
  readonly linger?: Duration.Input
}

/** The limits in force. */
export interface PeersLimits extends Required<Omit<PeersLimitsInput, "linger">> {
  readonly lingerMs: number
}

const DEFAULTS = {
  maxStreams: 256,
  maxStreamsPerPeer: 32,
  openingsPerSecond: 50,
  openingBurst: 100,
  maxConnections: 1_024,
  maxConnectionsPerPeer: 4,
  maxDials: 256,
  windowBytes: 67_108_864,
  windowBytesPerPeer: 8_388_608,
  bytesPerSecond: 134_217_728,
  bytesPerSecondPerPeer: 67_108_864,
} as const

const LINGER = Duration.seconds(60)

/** Fails with InvalidArgument for a limit that is no positive integer. */
export const resolveLimits = (input: PeersLimitsInput = {}): Effect.Effect<PeersLimits, PeerError> =>
  Effect.gen(function* () {
    const { linger = LINGER, ...counts } = input
    for (const [name, value] of Object.entries(counts)) {
      if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
        return yield* invalid(`limits.${name}: ${value}; expected an integer of at least 1`)
      }
    }
    const lingerMs = Duration.toMillis(Duration.fromInputUnsafe(linger))
    if (!Number.isFinite(lingerMs) || lingerMs < 0) {
      return yield* invalid(`limits.linger: ${lingerMs} ms; expected a finite duration`)
    }
    const given = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined))
    return { ...DEFAULTS, ...given, lingerMs }
  })

const invalid = (message: string) => new PeerError({ reason: "InvalidArgument", message })
