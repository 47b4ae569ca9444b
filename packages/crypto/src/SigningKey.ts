/**
 * An Ed25519 key pair (RFC 8032) as the layers of Crypto hand it out, and the checks that all of them share.
 */
import { Redacted } from "effect"

/**
 * Made by `Crypto.signingKey`. A layer keeps with it what it prepares on first use (parsed keys, the X25519 form), so hold
 * on to one for as long as its key is in use. Any object of this shape works, only without that preparation.
 */
export interface SigningKey {
  /** 32 bytes, computed when first read. */
  readonly publicKey: Uint8Array
  /** 32 bytes. */
  readonly seed: Redacted.Redacted<Uint8Array>
}

/** The bytes of a seed. Throws a RangeError that names the length when they are not 32. */
export const seedBytes = (seed: Redacted.Redacted<Uint8Array>): Uint8Array => {
  const bytes = Redacted.value(seed)
  if (bytes.length !== 32) throw new RangeError(`seed: ${bytes.length} bytes; an Ed25519 seed has 32`)
  return bytes
}
