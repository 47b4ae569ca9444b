/**
 * The layout of an HPKE box in records, without any cryptography: a u64 little-endian length of the encapsulated key, that key,
 * the ciphertext with its tag. All layers of Crypto take its constants and errors from here.
 * Source: ed25519-dalek-hpke 0.0.5 `src/lib.rs`; the HPKE parts are RFC 9180's.
 */

import { readU64le } from "@topic-tracker/common/Bytes"
import { Result } from "effect"
import { OpenError, SealError } from "./CryptoService.ts"

const utf8 = new TextEncoder()

/** The HPKE `info` of every box. */
export const INFO: Uint8Array = utf8.encode("arbitrary_info_bytes")

/** The associated data of every box. */
export const AAD: Uint8Array = utf8.encode("arbitrary_seal_bytes")

/** The size in bytes of an encapsulated X25519 key. */
const ENC_BYTES = 32

/** The size in bytes of the Poly1305 tag at the end of the ciphertext. */
export const TAG_BYTES = 16

/** The number of bytes by which a box is longer than its plaintext: 8 of length, the encapsulated key, the tag. */
export const OVERHEAD_BYTES: number = 8 + ENC_BYTES + TAG_BYTES

/** The longest encapsulated key, in bytes, that the crate reads before it checks the length. */
const MAX_ENC_BYTES = 128

export interface Parts {
  /** 32 bytes. */
  readonly enc: Uint8Array
  /** The ciphertext and, in its last 16 bytes, the tag. */
  readonly ciphertext: Uint8Array
}

/** A zero-filled box for a plaintext of this size: the length field is written, the parts are views of the box. */
export const allocate = (plaintextSize: number): Parts & { readonly box: Uint8Array } => {
  const box = new Uint8Array(plaintextSize + OVERHEAD_BYTES)
  box[0] = ENC_BYTES
  return { box, enc: box.subarray(8, 8 + ENC_BYTES), ciphertext: box.subarray(8 + ENC_BYTES) }
}

/** The parts of a box, as views of it. */
export const parse = (box: Uint8Array): Result.Result<Parts, OpenError> => {
  if (box.length < 8) return malformed(`box: ${box.length} bytes; the length field alone has 8`)
  const size = readU64le(box, 0)
  if (size > MAX_ENC_BYTES) return malformed(`box: an encapsulated key of ${size} bytes; at most ${MAX_ENC_BYTES}`)
  if (size !== BigInt(ENC_BYTES))
    return malformed(`box: an encapsulated key of ${size} bytes; X25519's has ${ENC_BYTES}`)
  if (box.length < OVERHEAD_BYTES) return malformed(`box: ${box.length} bytes; at least ${OVERHEAD_BYTES}`)
  return Result.succeed({ enc: box.subarray(8, 8 + ENC_BYTES), ciphertext: box.subarray(8 + ENC_BYTES) })
}

const malformed = (message: string) => Result.fail(new OpenError({ message }))

/** The error of a recipient's Ed25519 public key that is not a point of the curve, or has no X25519 form. */
export const notAPoint = (): SealError =>
  new SealError({
    message: "recipient: not a point of edwards25519 with an X25519 form; must be an Ed25519 public key",
  })

/** The error of a key agreement that gives zero (RFC 9180, 7.1.4). */
export const smallOrderRecipient = (): SealError =>
  new SealError({ message: "recipient: a key of small order; must be an Ed25519 public key made from a seed" })

/** The error of a box whose tag does not match. The reason is not known. */
export const notOpened = (): OpenError =>
  new OpenError({ message: "box: does not open with this key; it was altered, or sealed for another key" })
