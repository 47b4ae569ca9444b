/**
 * The part of an envelope's verdict that depends on its bytes, gossip's scope and the keys of its minute alone: every member comes to the
 * same result, so a neighbour that forwards a rejected envelope is to blame. Limits and what was delivered before are checked elsewhere.
 */
import type { CryptoService } from "../CryptoService.ts"
import * as Envelope from "./Envelope.ts"
import type { EpochWindow } from "./EpochWindow.ts"
import { type Contents, readContents } from "./plaintext.ts"

/**
 * What to do with a content: forward and deliver it, drop it, or drop it and count it against the neighbour that sent it.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "accept" | "ignore" | "reject"

/**
 * The step that decided.
 *
 * @since 0.1.0
 * @category models
 */
export type EnvelopeStep = "form" | "epoch" | "seal" | "contents" | "signature"

/**
 * An envelope that opened and verified.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenedEnvelope {
  readonly envelope: Uint8Array
  readonly plaintext: Uint8Array
  /** Undefined for a part: the lengths are those of the whole message. */
  readonly contents: Contents | undefined
}

/**
 * The first steps: they cost nothing. Undefined if the envelope passes them.
 *
 * @since 0.1.0
 * @category predicates
 */
export const checkHeader = (
  window: EpochWindow,
  envelope: Uint8Array,
  scope: Envelope.EnvelopeScope,
  wasAskedFor = false,
): { readonly verdict: Verdict; readonly step: EnvelopeStep } | undefined => {
  const problem = Envelope.checkForm(envelope, scope)
  if (problem !== undefined) return { verdict: problem === "newer" ? "ignore" : "reject", step: "form" }
  const epoch = Envelope.epoch(envelope)
  if (!window.accepts(epoch, wasAskedFor) || window.keys(epoch) === undefined)
    return { verdict: "ignore", step: "epoch" }
  return undefined
}

/**
 * The last steps, which cost some 5 µs for the seal and, only if it opens, 100 µs for the signature. `checkHeader` must have passed. The result
 * is the opened envelope, or the step that rejects it.
 *
 * @since 0.1.0
 * @category encoding
 */
export const openEnvelope = (
  crypto: CryptoService,
  window: EpochWindow,
  gossipTopic: Uint8Array,
  envelope: Uint8Array,
): OpenedEnvelope | EnvelopeStep => {
  const keys = window.keys(Envelope.epoch(envelope))
  if (keys === undefined) return "epoch"
  const plaintext = Envelope.open(crypto, keys, envelope)
  if (plaintext === undefined) return "seal"
  const flags = Envelope.flags(envelope)
  const isPart = (flags & Envelope.Flag.part) !== 0
  const contents = isPart ? undefined : readContents(plaintext, flags, Envelope.count(envelope))
  if (!isPart && contents === undefined) return "contents"
  if (Envelope.isSigned(envelope) && !Envelope.verify(crypto, gossipTopic, envelope)) return "signature"
  return { envelope, plaintext, contents }
}
