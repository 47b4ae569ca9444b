/** The inputs and outputs of the state of a members-only topic: options, verdicts, events and counters. */
import type { CryptoService } from "@topic-tracker/crypto"
import type { EnvelopeStep, EpochWindow } from "@topic-tracker/crypto/members"
import type { AuthorStream } from "./Authors.ts"
import type { RepairMessage } from "./repairMessages.ts"
import type { OrderEvent } from "./StreamOrder.ts"

/**
 * What `allow` says of an author; undefined: it is not known yet. A muted author's messages are forwarded, not delivered.
 *
 * @since 0.1.0
 * @category models
 */
export type Admission = "admit" | "mute" | "refuse" | undefined

/**
 * What to do with a content that gossip brought. `later`: ask `allow` about the author, then judge again.
 *
 * @since 0.1.0
 * @category models
 */
export interface Judgement {
  readonly verdict: "accept" | "ignore" | "reject" | "later"
  /** The step that decided; undefined if it was accepted. */
  readonly step: EnvelopeStep | "author" | "repeat" | "bounds" | undefined
}

/**
 * What the caller delivers and sends, in order.
 *
 * @since 0.1.0
 * @category models
 */
export type MembersEvent =
  | {
      readonly _tag: "Order"
      readonly stream: AuthorStream
      readonly event: OrderEvent
      readonly isSigned: boolean
      /** Only the reader that asked for what was there before it gets it. */
      readonly isReplay: boolean
    }
  | { readonly _tag: "Send"; readonly to: string; readonly message: RepairMessage }

/**
 * Counters. They only grow.
 *
 * @since 0.1.0
 * @category models
 */
export interface MembersStats {
  accepted: number
  ignored: number
  rejected: number
  repaired: number
  missed: number
  equivocations: number
  falseHeads: number
}

/** Counters of a topic that has received nothing. */
export const noStats = (): MembersStats => ({
  accepted: 0,
  ignored: 0,
  rejected: 0,
  repaired: 0,
  missed: 0,
  equivocations: 0,
  falseHeads: 0,
})

/**
 * Options of {@link MembersState}. Ids are hex.
 *
 * @since 0.1.0
 * @category options
 */
export interface MembersStateOptions {
  readonly crypto: CryptoService
  readonly window: EpochWindow
  readonly gossipTopic: Uint8Array
  readonly self: string
  readonly now: number
  readonly admission?: (author: string) => Admission
  readonly maxContentBytes?: number
  /** Channel tags, in hex, whose recent messages a newcomer gets, too. */
  readonly fromRecent?: (channel: string) => boolean
}
