/**
 * Converts bytes for iroh's binding: @number0/iroh 1.1 takes and returns `Array<number>`; the release after it takes and returns
 * `Uint8Array`. Nothing else in the package knows which of them is installed.
 */

import { concat } from "@topic-tracker/common/Bytes"

/** Bytes as the installed binding has them. The declared type is that of 1.1. */
type BindingBytes = Array<number>

/** Converts bytes to and from those of the binding. `head` goes before the others. The result of `toBinding` is valid until the next call: the binding copies it before it returns. */
export interface BindingBytesCodec {
  readonly toBinding: (bytes: Uint8Array, head?: Uint8Array) => BindingBytes
  readonly fromBinding: (bytes: BindingBytes | Uint8Array) => Uint8Array
}

/** The codec for a binding that returned `sample` as bytes. */
export const codecOf = (sample: BindingBytes | Uint8Array): BindingBytesCodec =>
  Array.isArray(sample) ? arrays : typedArrays

/** Arrays of so many lengths are kept, each within these bounds: a bulk transfer writes slices of few lengths. In all at most 2.1 MB. */
const KEPT_ARRAYS = 4
const MIN_KEPT_BYTES = 1_024
const MAX_KEPT_BYTES = 65_792

/** Arrays for {@link arrays}, by their length. */
const kept = new Map<number, Array<number>>()

const arrayOf = (length: number): Array<number> => {
  if (length < MIN_KEPT_BYTES || length > MAX_KEPT_BYTES) return new Array<number>(length)
  let array = kept.get(length)
  if (array === undefined) {
    array = new Array<number>(length)
    if (kept.size === KEPT_ARRAYS) kept.delete(kept.keys().next().value!)
    kept.set(length, array)
  }
  return array
}

const EMPTY = new Uint8Array(0)

// Array elements cost the binding some 100 ns a byte for both ends, so what we add must be little: a counted loop into a new array of the
// right length takes 6 ns a byte, into one that is there 0.5; `Array.from` and spreading 50.
const arrays: BindingBytesCodec = {
  toBinding: (bytes, head = EMPTY) => {
    const { length } = bytes
    const from = head.length
    const array = arrayOf(from + length)
    for (let i = 0; i < from; i++) array[i] = head[i]!
    for (let i = 0; i < length; i++) array[from + i] = bytes[i]!
    return array
  },
  fromBinding: (array) => {
    const { length } = array
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = array[i]!
    return bytes
  },
}

/** Treats a typed array as the declared type of bytes. This is true of the binding that the codec is for. */
const isBindingBytes = (bytes: unknown): bytes is BindingBytes => bytes instanceof Uint8Array

const typedArrays: BindingBytesCodec = {
  toBinding: (body, head) => {
    // A copy also if the head is empty: with a head the bytes stay the caller's.
    const bytes: unknown = head === undefined ? body : concat(head, body)
    if (isBindingBytes(bytes)) return bytes
    throw new TypeError("bytes: not a Uint8Array")
  },
  fromBinding: (bytes) => (bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes)),
}
