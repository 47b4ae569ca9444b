/**
 * A bounded view of bytes with postcard's primitive decodings. Every read is checked against the end; what does not hold is
 * thrown as a {@link Malformed}, which only the decode functions of this folder see: they turn it into a typed result.
 * Source: the postcard wire format, https://postcard.jamesmunns.com/wire-format; which varints are refused: postcard 1.1
 * `src/de/deserializer.rs` (at most ceil(bits / 7) bytes, and no bit above the type's width; padding with zero groups is
 * accepted).
 */

/** What stops a read: internal to the codecs, never seen by callers of the decode functions. */
export class Malformed {
  readonly reason: string
  /** The position in the input at which it was noticed, in bytes. */
  readonly offset: number

  constructor(reason: string, offset: number) {
    this.reason = reason
    this.offset = offset
  }
}

export class Reader {
  private readonly input: Uint8Array
  private offset = 0

  constructor(input: Uint8Array) {
    this.input = input
  }

  /** How many bytes have been read. */
  get position(): number {
    return this.offset
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.input.length - this.offset
  }

  /** Ends the decoding with a reason; the message names what was found and what would be right. */
  fail(reason: string): never {
    throw new Malformed(reason, this.offset)
  }

  byte(): number {
    const value = this.input[this.offset]
    if (value === undefined) this.fail("the input ends where a byte is due")
    this.offset++
    return value
  }

  /** A copy of the next `length` bytes, so that a message does not keep the whole network buffer alive. */
  bytes(length: number): Uint8Array {
    const view = this.view(length)
    const copy = new Uint8Array(length)
    copy.set(view)
    return copy
  }

  /** The next `length` bytes as a window on the input. */
  view(length: number): Uint8Array {
    if (length > this.remaining) this.fail(`${length} bytes are due and ${this.remaining} are left`)
    const view = this.input.subarray(this.offset, this.offset + length)
    this.offset += length
    return view
  }

  /** A varint of an integer type of `bits` bits, 32 at most. */
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
    return this.fail(`a varint goes beyond ${bits} bits`)
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
    return BigInt(low) + (BigInt(this.varintTail()) << 49n)
  }

  /**
   * The length of a sequence, string or byte array: a u64 varint. It must be borne out by the bytes that are left when
   * each element takes at least `elementSize` of them, so that a few bytes cannot ask for much memory.
   */
  length(elementSize: number): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 7; i++) {
      const group = this.byte()
      value += (group & 0x7f) * scale
      if (group < 0x80) return this.borneOut(value, elementSize)
      scale *= 0x80
    }
    return this.borneOut(value + this.varintTail() * scale, elementSize)
  }

  /** 8 bytes, IEEE 754 double, little-endian. */
  float64(): number {
    const view = this.view(8)
    return new DataView(view.buffer, view.byteOffset, 8).getFloat64(0, true)
  }

  /** The groups of a u64 varint above its first seven: bits 49 to 63. */
  private varintTail(): number {
    let value = 0
    for (let shift = 0; shift <= 14; shift += 7) {
      const group = this.byte()
      if (shift === 14 && group > 1) break
      value |= (group & 0x7f) << shift
      if (group < 0x80) return value
    }
    return this.fail("a varint goes beyond 64 bits")
  }

  private borneOut(count: number, elementSize: number): number {
    if (count * elementSize > this.remaining) {
      this.fail(`a length of ${count} needs at least ${count * elementSize} bytes and ${this.remaining} are left`)
    }
    return count
  }
}
