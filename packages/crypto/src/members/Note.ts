/**
 * A note: a small broadcast of a members-only topic that is complete in itself and signed by its author. It is not sealed: it goes over connections
 * of members only, and members that come later can still read it. Fixed offsets, big-endian integers. Specified in PROTOCOL.md, "Notes".
 */
import { concat } from "@topic-tracker/common/Bytes"
import type { CryptoService, SigningKey } from "../CryptoService.ts"

/** The first byte of a note; that of an envelope is 1. */
export const VERSION = 2
/** Bytes before the body. */
export const HEADER_BYTES = 40
const SIGNATURE_BYTES = 64
/** Bytes that a note adds to its body. */
export const OVERHEAD_BYTES: number = HEADER_BYTES + SIGNATURE_BYTES
/** The longest body. */
export const MAX_BODY_BYTES = 1_280

const SIGNATURE_LABEL = new TextEncoder().encode("topic-tracker/members/1 note")

/** Fields of a note, read in place. They are valid only if {@link isNote}. */
export const kind = (note: Uint8Array): number => note[1]!
export const author = (note: Uint8Array): Uint8Array => note.subarray(2, 34)
/** Milliseconds since the Unix epoch, by the author's clock. Of two notes of one author and kind the higher one is the newer. */
export const stamp = (note: Uint8Array): number => {
  const fields = view(note)
  return fields.getUint16(34) * 2 ** 32 + fields.getUint32(36)
}
export const body = (note: Uint8Array): Uint8Array => note.subarray(HEADER_BYTES, note.length - SIGNATURE_BYTES)
export const signature = (note: Uint8Array): Uint8Array => note.subarray(note.length - SIGNATURE_BYTES)

/** Whether the bytes have the form of a note. */
export const isNote = (bytes: Uint8Array): boolean =>
  bytes[0] === VERSION && bytes.length >= OVERHEAD_BYTES && bytes.length <= OVERHEAD_BYTES + MAX_BODY_BYTES

/** The bytes of a note without its signature, with 64 zeros in its place. */
export const unsigned = (kind: number, author: Uint8Array, stamp: number, body: Uint8Array): Uint8Array => {
  const note = new Uint8Array(OVERHEAD_BYTES + body.length)
  note[0] = VERSION
  note[1] = kind
  note.set(author, 2)
  const fields = view(note)
  fields.setUint16(34, Math.floor(stamp / 2 ** 32))
  fields.setUint32(36, stamp >>> 0)
  note.set(body, HEADER_BYTES)
  return note
}

/**
 * Signs a note. Throws a RangeError for a body over {@link MAX_BODY_BYTES}.
 *
 * @since 0.1.0
 */
export const sign = (
  crypto: CryptoService,
  gossipTopic: Uint8Array,
  author: SigningKey,
  input: { readonly kind: number; readonly stamp: number; readonly body: Uint8Array },
): Uint8Array => {
  if (input.body.length > MAX_BODY_BYTES) {
    throw new RangeError(`body: ${input.body.length} bytes; must be at most ${MAX_BODY_BYTES}`)
  }
  const note = unsigned(input.kind, author.publicKey, input.stamp, input.body)
  note.set(crypto.sign(author, signedBytes(gossipTopic, note)), note.length - SIGNATURE_BYTES)
  return note
}

/** Whether the author signed the note for this topic. Some 0.1 ms. */
export const verify = (crypto: CryptoService, gossipTopic: Uint8Array, note: Uint8Array): boolean =>
  crypto.verifyStrict(author(note), signedBytes(gossipTopic, note), signature(note))

const signedBytes = (gossipTopic: Uint8Array, note: Uint8Array): Uint8Array =>
  concat(SIGNATURE_LABEL, gossipTopic, note.subarray(0, note.length - SIGNATURE_BYTES))

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
