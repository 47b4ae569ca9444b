/**
 * The contract between the layers of Crypto and the code that uses them: the operations, their key type and their errors.
 * No error carries key material.
 */
import { type Effect, Redacted, Schema } from "effect"

/**
 * An Ed25519 key pair (RFC 8032), made by `Crypto.signingKey`. A layer stores prepared forms in it on first use (parsed keys,
 * the X25519 form), so keep one object for as long as its key is in use. Any object of this shape works, without that
 * preparation.
 *
 * @since 0.1.0
 * @category models
 */
export interface SigningKey {
  /** 32 bytes, computed on first read. */
  readonly publicKey: Uint8Array
  /** 32 bytes. */
  readonly seed: Redacted.Redacted<Uint8Array>
}

/**
 * The operations of `Crypto`. All layers agree on every byte and every verdict.
 *
 * @since 0.1.0
 * @category models
 */
export interface CryptoService {
  /** The Ed25519 key pair of a 32-byte seed. Throws a RangeError for another length. */
  readonly signingKey: (seed: Redacted.Redacted<Uint8Array>) => SigningKey
  /** The 64-byte Ed25519 signature. */
  readonly sign: (key: SigningKey, message: Uint8Array) => Uint8Array
  /** Whether the signature is valid (RFC 8032, canonical S, cofactorless). For BEP 44 items. Never throws. */
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  /** Like `verify`, but false for a small-order public key or R (ed25519-dalek `verify_strict`). For records. */
  readonly verifyStrict: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  /**
   * An HPKE box (RFC 9180 base mode; layout of ed25519-dalek-hpke 0.0.5) for the holder of an Ed25519 key: 56 bytes longer
   * than the plaintext. The recipient is a 32-byte public key or, faster if its seed is known, the key pair itself.
   */
  readonly seal: (recipient: SigningKey | Uint8Array, plaintext: Uint8Array) => Effect.Effect<Uint8Array, SealError>
  /** The plaintext of a box that was sealed for this key. */
  readonly open: (recipient: SigningKey, box: Uint8Array) => Effect.Effect<Uint8Array, OpenError>
  /** HMAC-SHA256 (RFC 2104): 32 bytes. The key may have any length. */
  readonly hmacSha256: (key: Uint8Array, message: Uint8Array) => Uint8Array
  /**
   * ChaCha20-Poly1305 (RFC 8439) with a key of 32 bytes and a nonce of 12: the ciphertext and, in its last 16 bytes, the tag. A pair
   * of key and nonce must be used for one plaintext only.
   */
  readonly aeadSeal: (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array) => Uint8Array
  /** The plaintext of `aeadSeal`, or undefined if the key, the nonce, the associated data or a byte is not the same. */
  readonly aeadOpen: (
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ) => Uint8Array | undefined
  /** Random bytes fit for keys: from the system's generator, or from Effect's Random in the deterministic test layer. */
  readonly randomBytes: (length: number) => Effect.Effect<Uint8Array>
}

/**
 * A box could not be made: the recipient's key is not a usable point of the curve.
 *
 * @since 0.1.0
 * @category errors
 */
export class SealError extends Schema.TaggedError<SealError>()("SealError", { message: Schema.String }) {}

/**
 * A box could not be opened: it is malformed, altered, or sealed for another key. The message names the reason.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenError extends Schema.TaggedError<OpenError>()("OpenError", { message: Schema.String }) {}

/** The bytes of a seed. Throws a RangeError with the actual length if they are not 32. */
export const seedBytes = (seed: Redacted.Redacted<Uint8Array>): Uint8Array => {
  const bytes = Redacted.value(seed)
  if (bytes.length !== 32) throw new RangeError(`seed: ${bytes.length} bytes; an Ed25519 seed has 32`)
  return bytes
}
