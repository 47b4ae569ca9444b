/**
 * Operations on the curve edwards25519 that verification and the HPKE box need in addition to plain Ed25519: the test for points
 * of small order, and the conversion of keys to X25519. Pure functions on encodings, shared by all layers of Crypto.
 * Sources: RFC 8032 (5.1), RFC 7748 (4.1), curve25519-dalek (`is_small_order`, `to_montgomery`).
 */
import { ed25519 } from "@noble/curves/ed25519.js"
import { fromHex } from "@topic-tracker/common/Bytes"

/**
 * The y coordinates, encoded without the sign bit, of the eight points whose order divides the cofactor 8. A y is read modulo
 * p, so 0 and 1 have a second encoding: p and p + 1. (p − 1 and the y of the points of order 8 have no second one below 2^255.)
 */
const SMALL_ORDER_Y: ReadonlyArray<Uint8Array> = [
  "0000000000000000000000000000000000000000000000000000000000000000", // 0, order 4
  "0100000000000000000000000000000000000000000000000000000000000000", // 1, the identity
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p - 1, order 2
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p, read as 0
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p + 1, read as 1
].map(fromHex)

/** Whether the 32 bytes from `offset` encode a point of small order, canonically or not. Not constant-time: for public values. */
export const isSmallOrder = (encoded: Uint8Array, offset = 0): boolean =>
  SMALL_ORDER_Y.some((y) => sameY(y, encoded, offset))

const sameY = (y: Uint8Array, encoded: Uint8Array, offset: number): boolean => {
  for (let i = 0; i < 31; i++) if (y[i] !== encoded[offset + i]) return false
  return y[31] === (encoded[offset + 31]! & 0x7f)
}

const { Fp } = ed25519.Point

/**
 * The X25519 form, 32 bytes, of a 32-byte Ed25519 public key: u = (1 + y) / (1 − y). Undefined if the bytes are not a
 * point of the curve, or are the identity, which has no such form. Encodings are read as in dalek: y modulo p.
 */
export const toX25519PublicKey = (publicKey: Uint8Array): Uint8Array | undefined => {
  try {
    const { y } = ed25519.Point.fromBytes(publicKey, true).toAffine()
    return Fp.toBytes(Fp.div(Fp.add(Fp.ONE, y), Fp.sub(Fp.ONE, y)))
  } catch {
    return undefined
  }
}

/** The X25519 private key of an Ed25519 seed, from the SHA-512 of the seed: its first half, clamped (RFC 7748, 5). */
export const clampedScalar = (sha512OfSeed: Uint8Array): Uint8Array => {
  const scalar = sha512OfSeed.slice(0, 32)
  scalar[0]! &= 0xf8
  scalar[31]! = (scalar[31]! & 0x7f) | 0x40
  return scalar
}
