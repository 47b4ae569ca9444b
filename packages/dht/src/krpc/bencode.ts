/**
 * Bencoding (BEP 3) for KRPC: integers are exact 64-bit bigints, and only the canonical form is decoded, so that
 * `encode(decode(bytes))` returns the same bytes. BEP 44 signs the bencoding of a value, so a node that encodes a stored value
 * again must not change it. Around the value, the keys of a message may be in any order: some nodes of the mainline DHT do not sort
 * them. This file does not know what a message means.
 */

/**
 * A decoded value. Byte strings stay bytes, views of the input; dictionary keys are byte strings read as Latin-1.
 *
 * @since 0.1.0
 * @category models
 */
export type Bencode = bigint | Uint8Array | ReadonlyArray<Bencode> | BencodeDictionary

/**
 * A decoded dictionary.
 *
 * @since 0.1.0
 * @category models
 */
export interface BencodeDictionary {
  readonly [key: string]: Bencode
}

/**
 * The argument of {@link encode}: numbers must be safe integers, strings are written as UTF-8, undefined entries are left out.
 *
 * @since 0.1.0
 * @category models
 */
export type Encodable = bigint | number | string | Uint8Array | ReadonlyArray<Encodable> | EncodableDictionary

/**
 * A dictionary to encode. Keys that are undefined are left out.
 *
 * @since 0.1.0
 * @category models
 */
export interface EncodableDictionary {
  readonly [key: string]: Encodable | undefined
}

/** Levels of nesting; KRPC needs 3 (message, arguments, list), and a BEP 44 value may have levels of its own. */
const MAX_DEPTH = 16

/** Values in one input. A full KRPC message has about 20; the longest honest one lists a few hundred peers. */
const MAX_VALUES = 1024

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

const CODE_0 = 0x30
const CODE_9 = 0x39
const CODE_COLON = 0x3a
const CODE_MINUS = 0x2d
const CODE_d = 0x64
const CODE_e = 0x65
const CODE_i = 0x69
const CODE_l = 0x6c

const SHORT_BYTES = 32

/** The key of the value of an item (BEP 44), whose bytes are signed. */
const VALUE_KEY = "v"

class Malformed extends Error {}

/**
 * An object without inherited properties, so that "__proto__" is a key like any other. V8 makes a hash table of
 * `Object.create(null)`, which is several times as large.
 */
class Dictionary {
  [key: string]: Bencode
}
Object.setPrototypeOf(Dictionary.prototype, null)
Reflect.deleteProperty(Dictionary.prototype, "constructor")

/** Reads one input. It throws {@link Malformed}, which only {@link decode} catches. */
class Reader {
  private position = 0
  private values = 0
  private readonly bytes: Uint8Array
  /** Whether keys must be in order. */
  private isStrict: boolean

  constructor(bytes: Uint8Array, isStrict: boolean) {
    this.bytes = bytes
    this.isStrict = isStrict
  }

  get atEnd(): boolean {
    return this.position === this.bytes.length
  }

  value(depth: number): Bencode {
    if (++this.values > MAX_VALUES) throw new Malformed("too many values")
    const code = this.bytes[this.position]
    if (code === CODE_i) return this.integer()
    if (code !== CODE_d && code !== CODE_l) return this.byteString()
    if (depth === MAX_DEPTH) throw new Malformed("nested too deep")
    this.position++
    return code === CODE_d ? this.dictionary(depth + 1) : this.list(depth + 1)
  }

  private integer(): bigint {
    const start = ++this.position
    let digits = start
    if (this.bytes[digits] === CODE_MINUS) digits++
    const end = this.digits(digits)
    if (this.bytes[end] !== CODE_e) throw new Malformed("integer without an end")
    const leadingZero = this.bytes[digits] === CODE_0
    if (leadingZero && (end - digits > 1 || digits > start)) throw new Malformed("integer not canonical")
    this.position = end + 1
    // Up to 15 digits a double is exact, and much faster to make than a bigint from text.
    if (end - start <= 15) return BigInt(digits > start ? -this.number(digits, end) : this.number(start, end))
    const value = BigInt(latin1(this.bytes, start, end))
    if (value < INT64_MIN || value > INT64_MAX) throw new Malformed("integer outside 64 bits")
    return value
  }

  private byteString(): Uint8Array {
    const from = this.skipString()
    return this.bytes.subarray(from, this.position)
  }

  private key(): string {
    const from = this.skipString()
    return latin1(this.bytes, from, this.position)
  }

  /** Reads the length of a string, moves the position to the string's end, and returns its start. */
  private skipString(): number {
    const start = this.position
    const colon = this.digits(start)
    if (this.bytes[colon] !== CODE_COLON) throw new Malformed("no value")
    if (this.bytes[start] === CODE_0 && colon - start > 1) throw new Malformed("length not canonical")
    const from = colon + 1
    const to = from + this.number(start, colon)
    if (to > this.bytes.length) throw new Malformed("string longer than the input")
    this.position = to
    return from
  }

  private list(depth: number): ReadonlyArray<Bencode> {
    const list: Array<Bencode> = []
    while (!this.end()) list.push(this.value(depth))
    return list
  }

  private dictionary(depth: number): BencodeDictionary {
    const dictionary = new Dictionary()
    let greatest: string | undefined
    while (!this.end()) {
      const key = this.key()
      if (greatest === undefined || key > greatest) greatest = key
      else if (this.isStrict) throw new Malformed("keys out of order")
      else if (Object.hasOwn(dictionary, key)) throw new Malformed("key repeated")
      dictionary[key] = key === VALUE_KEY ? this.strictValue(depth) : this.value(depth)
    }
    return dictionary
  }

  private strictValue(depth: number): Bencode {
    const before = this.isStrict
    this.isStrict = true
    const value = this.value(depth)
    this.isStrict = before
    return value
  }

  private end(): boolean {
    if (this.bytes[this.position] !== CODE_e) return false
    this.position++
    return true
  }

  /** The end of the run of 1 to 19 digits that starts at `from`. */
  private digits(from: number): number {
    let end = from
    for (let code = this.bytes[end]; code !== undefined && code >= CODE_0 && code <= CODE_9; code = this.bytes[end])
      end++
    if (end === from || end - from > 19) throw new Malformed("no number")
    return end
  }

  /** The value of these digits; exact up to 15 of them. */
  private number(from: number, to: number): number {
    let value = 0
    for (let i = from; i < to; i++) value = value * 10 + this.bytes[i]! - CODE_0
    return value
  }
}

const latin1 = (bytes: Uint8Array, from: number, to: number): string => {
  let text = ""
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!)
  return text
}

/**
 * The value of canonical bencoding, or undefined for all other bytes: trailing bytes, keys out of order or repeated, leading
 * zeros, integers outside 64 bits, more than 16 levels or 1,024 values. It never throws.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decode = (bytes: Uint8Array): Bencode | undefined => read(bytes, true)

/** {@link decode}, but the keys of dictionaries may be in any order, except in a value under the key `v`. */
export const decodeMessage = (bytes: Uint8Array): Bencode | undefined => read(bytes, false)

const read = (bytes: Uint8Array, isStrict: boolean): Bencode | undefined => {
  const reader = new Reader(bytes, isStrict)
  try {
    const value = reader.value(0)
    return reader.atEnd ? value : undefined
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

/** Grows by doubling; a KRPC message fits the first size. One instance serves all calls, because encoding is synchronous. */
class Writer {
  private bytes = new Uint8Array(2048)
  private length = 0
  private static readonly utf8 = new TextEncoder()

  /** The bencoding of one value, without the bytes of an earlier value that threw. */
  encode(value: Encodable): Uint8Array {
    this.length = 0
    this.value(value)
    return this.bytes.slice(0, this.length)
  }

  private value(value: Encodable): void {
    if (typeof value === "bigint") this.integer(value)
    else if (typeof value === "number") this.safeInteger(value)
    else if (typeof value === "string") this.text(value)
    else if (value instanceof Uint8Array) this.byteString(value)
    else if (isList(value)) this.list(value)
    else this.dictionary(value)
  }

  private list(list: ReadonlyArray<Encodable>): void {
    this.ascii("l")
    for (const item of list) this.value(item)
    this.ascii("e")
  }

  private dictionary(dictionary: EncodableDictionary): void {
    this.ascii("d")
    const keys = Object.keys(dictionary)
    if (!isSorted(keys)) keys.sort()
    for (const key of keys) {
      const item = dictionary[key]
      if (item === undefined) continue
      this.ascii(`${key.length}:${key}`)
      this.value(item)
    }
    this.ascii("e")
  }

  private safeInteger(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`value: ${value}; bencoding allows only safe integers`)
    this.ascii(`i${value}e`)
  }

  private integer(value: bigint): void {
    if (value < INT64_MIN || value > INT64_MAX) throw new RangeError(`value: ${value}; KRPC integers have 64 bits`)
    this.ascii(`i${value}e`)
  }

  private text(text: string): void {
    // Names of methods and keys are short ASCII, for which this is several times faster.
    if (isAscii(text)) this.ascii(`${text.length}:${text}`)
    else this.byteString(Writer.utf8.encode(text))
  }

  private byteString(bytes: Uint8Array): void {
    this.ascii(`${bytes.length}:`)
    this.reserve(bytes.length)
    // For a few bytes the call into the runtime takes longer than they do.
    if (bytes.length <= SHORT_BYTES) for (let i = 0; i < bytes.length; i++) this.bytes[this.length + i] = bytes[i]!
    else this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Latin-1, so that decoded keys are written back byte for byte. */
  private ascii(text: string): void {
    this.reserve(text.length)
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i)
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}

const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

const isSorted = (keys: ReadonlyArray<string>): boolean => {
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! > keys[i]!) return false
  return true
}

const isList = (value: ReadonlyArray<Encodable> | EncodableDictionary): value is ReadonlyArray<Encodable> =>
  Array.isArray(value)

/**
 * The canonical bencoding of a value. Dictionary keys must be Latin-1, and are written in byte order. Throws a RangeError
 * for an integer outside 64 bits or a number that is not a safe integer: both are mistakes of the caller.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (value: Encodable): Uint8Array => writer.encode(value)

const writer = new Writer()
