/**
 * Ed25519 verification with the verdicts of dalek, on noble's curve arithmetic. noble's own `verify` multiplies by the cofactor
 * and so accepts signatures that dalek and OpenSSL refuse. Here R is computed and compared as bytes (RFC 8032, 5.1.7, without
 * the cofactor).
 */
import { ed25519 } from "@noble/curves/ed25519.js"
import { sha512 } from "@noble/hashes/sha2.js"
import { concat, equals } from "@topic-tracker/common/Bytes"

const { Point } = ed25519
const { Fn } = Point

/** Whether encode([S]B − [k]A) is the signature's R, with k = SHA-512(R ‖ A ‖ M) and S below the group order. */
export const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  try {
    const R = signature.subarray(0, 32)
    // Points are read as in ZIP 215 and dalek: y modulo p. The hash takes the original bytes.
    const A = Point.fromBytes(publicKey, true)
    const S = littleEndian(signature.subarray(32))
    if (S >= Fn.ORDER) return false
    const k = Fn.create(littleEndian(sha512(concat(R, publicKey, message))))
    const expected = Point.BASE.multiplyUnsafe(S).subtract(A.multiplyUnsafe(k))
    return equals(expected.toBytes(), R)
  } catch {
    // The public key is not a point of the curve.
    return false
  }
}

const littleEndian = (bytes: Uint8Array): bigint => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let value = 0n
  for (let offset = bytes.length - 8; offset >= 0; offset -= 8) value = (value << 64n) | view.getBigUint64(offset, true)
  return value
}
