/**
 * The byte operations that every package needs. They work on plain `Uint8Array`s and neither keep nor change their input. Effect is
 * not loaded.
 */
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js"

/**
 * The bytes as lowercase hex. Uses Node's Buffer if there is one: a string that is concatenated from digits stays in memory as a chain
 * of its parts (a kilobyte for an id) and takes twice the time.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toHex = (bytes: Uint8Array): string =>
  typeof Buffer === "undefined"
    ? bytesToHex(bytes)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")

/**
 * The bytes of a hex string. Throws if a digit is not hex or the number of digits is odd.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromHex: (hex: string) => Uint8Array = hexToBytes

/**
 * The arrays, one after the other, in a new array.
 *
 * @since 0.1.0
 * @category encoding
 */
export const concat = (...arrays: ReadonlyArray<Uint8Array>): Uint8Array => concatBytes(...arrays)

/**
 * Whether both have the same bytes. Not constant-time: for public values only.
 *
 * @since 0.1.0
 * @category predicates
 */
export const equals = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * Negative if `a` comes first in byte order, 0 if they are equal, else positive. Both have the same length.
 *
 * @since 0.1.0
 * @category predicates
 */
export const compare = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * A u64 as 8 bytes, little-endian. Throws a RangeError outside 0 … 2^64 − 1.
 *
 * @since 0.1.0
 * @category encoding
 */
export const u64le = (value: bigint): Uint8Array => u64(value, true)

/**
 * A u64 as 8 bytes, big-endian. Throws a RangeError outside 0 … 2^64 − 1.
 *
 * @since 0.1.0
 * @category encoding
 */
export const u64be = (value: bigint): Uint8Array => u64(value, false)

/**
 * The u64 in the 8 bytes from `offset`, little-endian. Throws a RangeError if the input is too short.
 *
 * @since 0.1.0
 * @category encoding
 */
export const readU64le = (bytes: Uint8Array, offset: number): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(offset, true)

const u64 = (value: bigint, littleEndian: boolean): Uint8Array => {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`value: ${value}; a u64 is 0 to 2^64 - 1`)
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value, littleEndian)
  return bytes
}
