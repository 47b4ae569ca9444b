/**
 * Reads postcard's primitive encodings from bytes. Every read checks for the end of the input. Malformed input throws
 * {@link Malformed}, which the decode functions of Codec.ts turn into a typed result.
 * Sources: the postcard wire format, https://postcard.jamesmunns.com/wire-format; for the accepted varints, postcard 1.1
 * `src/de/deserializer.rs` (at most ceil(bits / 7) bytes, no bit above the type's width, padding with zero groups allowed).
 */

/** The reason why a read stopped. Callers of the decode functions never see it. */
export class Malformed {
  readonly reason: string
  /** The position in the input, in bytes. */
  readonly offset: number

  constructor(reason: string, offset: number) {
    this.reason = reason
    this.offset = offset
  }
}

/**
 * The input of a codec's `read`.
 *
 * @since 0.1.0
 * @category models
 */
export class Reader {
  readonly #input: Uint8Array
  #offset = 0

  constructor(input: Uint8Array) {
    this.#input = input
  }

  /** The number of bytes that were read. */
  get position(): number {
    return this.#offset
  }

  /** The number of bytes that are left. */
  get remaining(): number {
    return this.#input.length - this.#offset
  }

  /** Stops the decoding. The reason has the actual and the expected value. */
  fail(reason: string): never {
    throw new Malformed(reason, this.#offset)
  }

  /** The next byte. */
  byte(): number {
    const value = this.#input[this.#offset]
    if (value === undefined) this.fail("the input ends where a byte is expected")
    this.#offset++
    return value
  }

  /** A copy of the next `length` bytes, so that a message does not keep the whole network buffer alive. */
  bytes(length: number): Uint8Array {
    const view = this.view(length)
    const copy = new Uint8Array(length)
    copy.set(view)
    return copy
  }

  /** The next `length` bytes as a view of the input. */
  view(length: number): Uint8Array {
    if (length > this.remaining) this.fail(`${length} bytes are expected and ${this.remaining} are left`)
    const view = this.#input.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    return view
  }

  /** A varint of an integer type of `bits` bits. */
  varint(bits: 16 | 32): number {
    const first = this.byte()
    if (first < 0x80) return first
    const last = bits === 16 ? 2 : 4
    let value = first & 0x7f
    let scale = 0x80
    for (let i = 1; i <= last; i++) {
      const group = this.byte()
      if (i === last && group >>> (bits - 7 * last) !== 0) break
      value += (group & 0x7f) * scale
      if (group < 0x80) return value
      scale *= 0x80
    }
    return this.fail(`a varint has more than ${bits} bits`)
  }

  /** A varint of a u64. */
  varint64(): bigint {
    let low = 0
    let scale = 1
    for (let i = 0; i < 7; i++) {
      const group = this.byte()
      low += (group & 0x7f) * scale
      if (group < 0x80) return BigInt(low)
      scale *= 0x80
    }
    return BigInt(low) + (BigInt(this.#varintTail()) << 49n)
  }

  /**
   * The length of a sequence, string or byte array: a u64 varint. Fails if the bytes that are left are too few for so many
   * elements of at least `elementSize` bytes, so that a short input cannot make the reader allocate much memory.
   */
  length(elementSize: number): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 7; i++) {
      const group = this.byte()
      value += (group & 0x7f) * scale
      if (group < 0x80) return this.#checkLength(value, elementSize)
      scale *= 0x80
    }
    return this.#checkLength(value + this.#varintTail() * scale, elementSize)
  }

  /** 8 bytes, IEEE 754 double, little-endian. */
  float64(): number {
    const view = this.view(8)
    return new DataView(view.buffer, view.byteOffset, 8).getFloat64(0, true)
  }

  /** The groups of a u64 varint after the first seven: bits 49 to 63. */
  #varintTail(): number {
    let value = 0
    for (let shift = 0; shift <= 14; shift += 7) {
      const group = this.byte()
      if (shift === 14 && group > 1) break
      value |= (group & 0x7f) << shift
      if (group < 0x80) return value
    }
    return this.fail("a varint has more than 64 bits")
  }

  #checkLength(count: number, elementSize: number): number {
    if (count * elementSize > this.remaining) {
      this.fail(`a length of ${count} needs at least ${count * elementSize} bytes and ${this.remaining} are left`)
    }
    return count
  }
}
