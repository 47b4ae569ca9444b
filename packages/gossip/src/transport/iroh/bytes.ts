/**
 * Bytes across the border to iroh's binding. @number0/iroh 1.1 takes and gives `Array<number>`; the release after it takes
 * and gives `Uint8Array`. Which of the two is installed is found out by asking it for some bytes; nothing else in the
 * package knows. Array elements cost the binding some 100 ns a byte in all, so what we add must be little: a counted loop
 * into an array of the right length takes 2 ns a byte, `Array.from` and spreading 50.
 */

/** Bytes as the installed binding has them. The declared type is that of 1.1. */
type BindingBytes = Array<number>

export interface BindingBytesCodec {
  readonly toBinding: (bytes: Uint8Array) => BindingBytes
  readonly fromBinding: (bytes: BindingBytes | Uint8Array) => Uint8Array
}

/** `sample`: any bytes that the binding gave. */
export const codecOf = (sample: BindingBytes | Uint8Array): BindingBytesCodec =>
  Array.isArray(sample) ? arrays : typedArrays

const arrays: BindingBytesCodec = {
  toBinding: (bytes) => {
    const { length } = bytes
    const array = new Array<number>(length)
    for (let i = 0; i < length; i++) array[i] = bytes[i]!
    return array
  },
  fromBinding: (array) => {
    const { length } = array
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = array[i]!
    return bytes
  },
}

/** Takes a typed array for what the declarations call bytes: true of the binding that this codec is for. */
const isBindingBytes = (bytes: unknown): bytes is BindingBytes => bytes instanceof Uint8Array

const typedArrays: BindingBytesCodec = {
  toBinding: (bytes) => {
    if (isBindingBytes(bytes)) return bytes
    throw new TypeError("bytes: not a Uint8Array")
  },
  fromBinding: (bytes) => (bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes)),
}
