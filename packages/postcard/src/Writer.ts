/**
 * Writes postcard's primitive encodings to a growing buffer: little-endian base-128 varints and plain bytes. Codecs write
 * into it field by field, without an allocation per field.
 * Source: the postcard wire format, https://postcard.jamesmunns.com/wire-format ("varint encoded integers").
 */

const INITIAL_BYTES = 256

/**
 * The output of a codec's `write`.
 *
 * @since 0.1.0
 * @category models
 */
export class Writer {
  #buffer: Uint8Array
  #length = 0

  /** `capacity` is the expected size in bytes. */
  constructor(capacity = INITIAL_BYTES) {
    this.#buffer = new Uint8Array(Math.max(16, capacity))
  }

  /** The number of bytes written so far. */
  get size(): number {
    return this.#length
  }

  /** The number of bytes that fit before the buffer must grow. */
  get capacity(): number {
    return this.#buffer.length
  }

  /** Drops the written bytes and keeps the memory, so that one writer can be used for many messages. */
  reset(): void {
    this.#length = 0
  }

  /** A copy of the bytes written so far. */
  toBytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }

  /** The bytes written so far without a copy: valid until the next write or reset. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** One byte; only the low 8 bits of the number are written. */
  byte(value: number): void {
    if (this.#length === this.#buffer.length) this.#grow(1)
    this.#buffer[this.#length++] = value
  }

  /** The bytes without a length. */
  bytes(value: Uint8Array): void {
    if (this.#length + value.length > this.#buffer.length) this.#grow(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  /** A non-negative integer up to 2^53 − 1 as a varint. The caller checks the range. */
  varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      // Division, not a shift: a shift would cut the number to 32 bits.
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  /** A bigint in 0 … 2^64 − 1 as a varint. The caller checks the range. */
  varint64(value: bigint): void {
    if (value <= MAX_SAFE) {
      this.varint(Number(value))
      return
    }
    // The lowest seven groups of 7 bits as one number, then the 15 bits above them: few bigint operations.
    let low = Number(value & LOW_49_BITS)
    for (let i = 0; i < 7; i++) {
      this.byte((low % 0x80) | 0x80)
      low = Math.floor(low / 0x80)
    }
    this.varint(Number(value >> 49n))
  }

  /** 8 bytes, IEEE 754 double, little-endian. */
  float64(value: number): void {
    if (this.#length + 8 > this.#buffer.length) this.#grow(8)
    new DataView(this.#buffer.buffer).setFloat64(this.#length, value, true)
    this.#length += 8
  }

  #grow(by: number): void {
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + by))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)
const LOW_49_BITS = (1n << 49n) - 1n
