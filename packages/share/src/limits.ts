/** The bounds of what sharing keeps, sends and asks for, with the defaults. */
import { Effect } from "effect"
import { ShareError } from "./ShareError.ts"

/**
 * Limits of sharing in one topic.
 *
 * @since 0.1.0
 * @category options
 */
export interface ShareLimitsInput {
  /** The size of a content to share or to fetch. Default 16 GiB, at most 1 TiB. */
  readonly maxContentBytes?: number
  /** Contents that are shared or fetched at a time. The oldest fetched one makes place for a new one. Default 64. */
  readonly maxContents?: number
  /** Peers with a stream for one content. Default 32. */
  readonly maxPeers?: number
  /** Streams for all contents. Default 128. */
  readonly maxStreams?: number
  /** Peers that a fetch opens streams to; others may come by themselves. Default 8. */
  readonly maxProviders?: number
  /** Pieces of 256 KiB that are being sent at a time. Default 4; one to a peer. */
  readonly maxUploads?: number
  /** Bytes of pieces sent in a second, in all. Default: no limit. */
  readonly uploadBytesPerSecond?: number
  /** The same for one peer. Default: no limit. */
  readonly uploadBytesPerSecondPerPeer?: number
}

/** The limits in force. */
export type ShareLimits = Required<ShareLimitsInput>

const DEFAULTS: ShareLimits = {
  maxContentBytes: 16 * 1_073_741_824,
  maxContents: 64,
  maxPeers: 32,
  maxStreams: 128,
  maxProviders: 8,
  maxUploads: 4,
  uploadBytesPerSecond: Number.POSITIVE_INFINITY,
  uploadBytesPerSecondPerPeer: Number.POSITIVE_INFINITY,
}

const MOST_BYTES = 1_099_511_627_776

/** Fails with InvalidArgument for a limit that is no positive number. */
export const resolveLimits = (input: ShareLimitsInput = {}): Effect.Effect<ShareLimits, ShareError> => {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
  for (const [name, value] of Object.entries(given)) {
    const isRate = name.startsWith("upload")
    if (!(isRate ? value > 0 : Number.isSafeInteger(value) && value >= 1)) {
      const message = `limits.${name}: ${value}; expected ${isRate ? "a number above 0" : "an integer of at least 1"}`
      return Effect.fail(new ShareError({ reason: "InvalidArgument", message }))
    }
  }
  const limits = { ...DEFAULTS, ...given }
  if (limits.maxContentBytes > MOST_BYTES) {
    const message = `limits.maxContentBytes: ${limits.maxContentBytes}; expected at most ${MOST_BYTES}`
    return Effect.fail(new ShareError({ reason: "InvalidArgument", message }))
  }
  return Effect.succeed(limits)
}

/** A rate: each turn is told how long to wait. Bytes and milliseconds; no clock of its own. */
export class Pace {
  readonly #perMs: number
  #freeAt = Number.NEGATIVE_INFINITY

  constructor(bytesPerSecond: number) {
    this.#perMs = bytesPerSecond / 1_000
  }

  /** The ms to wait before these bytes are sent. */
  wait(now: number, bytes: number): number {
    const at = Math.max(now, this.#freeAt)
    this.#freeAt = at + bytes / this.#perMs
    return at - now
  }
}
