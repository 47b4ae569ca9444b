/**
 * The layout of an HPKE box as it lies in records, without any cryptography: a u64 little-endian length of the
 * encapsulated key, that key, the ciphertext with its tag.
 * Source: ed25519-dalek-hpke 0.0.5 `src/lib.rs`; the HPKE parts are RFC 9180's.
 */

import { readU64le } from "@topic-tracker/common/Bytes"
import { Result } from "effect"
import { OpenError, SealError } from "./CryptoError.ts"

const utf8 = new TextEncoder()

/** The HPKE `info` of every box. */
export const info: Uint8Array = utf8.encode("arbitrary_info_bytes")

/** The associated data of every box. */
export const aad: Uint8Array = utf8.encode("arbitrary_seal_bytes")

/** The size in bytes of an encapsulated X25519 key. */
const encSize = 32

/** The size in bytes of the Poly1305 tag at the end of the ciphertext. */
export const tagSize = 16

/** How many bytes longer a box is than its plaintext: 8 of length, the encapsulated key, the tag. */
export const overhead: number = 8 + encSize + tagSize

/** Longest encapsulated key that the reference reads before it looks at it, in bytes. */
const maxEncSize = 128

export interface Parts {
  /** 32 bytes. */
  readonly enc: Uint8Array
  /** The ciphertext and, in its last 16 bytes, the tag. */
  readonly ciphertext: Uint8Array
}

/** A zero-filled box for a plaintext of this size, its length field written, with windows on its parts. */
export const allocate = (plaintextSize: number): Parts & { readonly box: Uint8Array } => {
  const box = new Uint8Array(plaintextSize + overhead)
  box[0] = encSize
  return { box, enc: box.subarray(8, 8 + encSize), ciphertext: box.subarray(8 + encSize) }
}

/** The parts of a box, as windows on it. */
export const parse = (box: Uint8Array): Result.Result<Parts, OpenError> => {
  if (box.length < 8) return malformed(`box: ${box.length} bytes; its length field alone has 8`)
  const size = readU64le(box, 0)
  if (size > maxEncSize) return malformed(`box: an encapsulated key of ${size} bytes; at most ${maxEncSize}`)
  if (size !== BigInt(encSize)) return malformed(`box: an encapsulated key of ${size} bytes; X25519's has ${encSize}`)
  if (box.length < overhead) return malformed(`box: ${box.length} bytes; at least ${overhead}`)
  return Result.succeed({ enc: box.subarray(8, 8 + encSize), ciphertext: box.subarray(8 + encSize) })
}

const malformed = (message: string) => Result.fail(new OpenError({ message }))

/** What every layer answers when a recipient's Ed25519 public key is no point of the curve, or has no X25519 form. */
export const notAPoint = (): SealError =>
  new SealError({
    message: "recipient: no point of edwards25519 that has an X25519 form; must be an Ed25519 public key",
  })

/** What every layer answers when the key agreement gives zero (RFC 9180, 7.1.4). */
export const smallOrderRecipient = (): SealError =>
  new SealError({ message: "recipient: a key of small order; must be an Ed25519 public key made from a seed" })

/** What every layer answers when a box does not open: its tag does not fit, whatever the reason. */
export const notOpened = (): OpenError =>
  new OpenError({ message: "box: does not open with this key; it was altered or sealed for another one" })
