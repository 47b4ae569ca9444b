/**
 * The messages by which neighbours give each other envelopes that one of them lacks, on the stream of the door after it opened:
 * `u32 length ‖ postcard`. Specified in PROTOCOL.md, "Repair messages".
 */
import { concat } from "@topic-tracker/common/Bytes"
import { Postcard } from "@topic-tracker/postcard"
import { Result } from "effect"

/**
 * The largest postcard value of a message. A longer one ends the stream.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_REPAIR_BYTES = 65_536
/** The most ranges of a Want. */
export const MAX_RANGES = 16
/** The most parts that a Want names. */
export const MAX_WANTED_PARTS = 1024

/** author ‖ session ‖ channel, 48 bytes. Its three fields are fixed-size arrays, which postcard writes without lengths. */
const stream = Postcard.fixedBytes(48)

/** A u64 that is at most 2^53 − 1, as every sequence number is. */
const seq = Postcard.transform(Postcard.u64, Postcard.f64.schema, {
  decode: (value, fail) => {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : fail(`${value}; a sequence number is at most 2^53 - 1`)
  },
  encode: (value) => BigInt(value),
})

/** At most `most` elements. */
const atMost = <A>(codec: Postcard.Codec<ReadonlyArray<A>>, most: number): Postcard.Codec<ReadonlyArray<A>> =>
  Postcard.transform(codec, codec.schema, {
    decode: (value, fail) => (value.length <= most ? value : fail(`${value.length} elements; at most ${most}`)),
    encode: (value) => value,
  })

const codec = Postcard.taggedUnion({
  Heads: { heads: Postcard.seq(Postcard.struct({ stream, seq })) },
  Want: {
    stream,
    ranges: atMost(Postcard.seq(Postcard.struct({ from: seq, to: seq })), MAX_RANGES),
    parts: Postcard.undefinedOr(atMost(Postcard.seq(Postcard.u16), MAX_WANTED_PARTS)),
  },
  Have: { envelopes: Postcard.seq(Postcard.bytes) },
  None: { stream, from: seq, to: seq },
  Seen: { stream, seq },
  Whisper: { bytes: Postcard.bytes },
})

/**
 * A message between neighbours. A stream is author ‖ session ‖ channel tag, 48 bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type RepairMessage = Postcard.Type<typeof codec>

/**
 * The sequence numbers from `from` to `to`, both included.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeqRange {
  readonly from: number
  readonly to: number
}

/**
 * The message with its length before it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const encodeRepair = (message: RepairMessage): Uint8Array => {
  const body = Postcard.encodeSync(codec)(message)
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, body.length)
  return concat(length, body)
}

/**
 * The message in the bytes after the length, or undefined if there is none.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodeRepair = (body: Uint8Array): RepairMessage | undefined =>
  Result.getOrUndefined(Postcard.decodeResult(codec)(body))

/**
 * Cuts a byte stream into messages. After a message that is too long or cannot be read it gives nothing more: the caller closes the stream.
 *
 * @since 0.1.0
 * @category models
 */
export class RepairReader {
  #buffer: Uint8Array = new Uint8Array(0)
  #isBroken = false

  /** Whether a message was too long or could not be read. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** The messages that the bytes complete. */
  receive(bytes: Uint8Array): ReadonlyArray<RepairMessage> {
    const messages: Array<RepairMessage> = []
    if (this.#isBroken) return messages
    this.#buffer = this.#buffer.length === 0 ? bytes : concat(this.#buffer, bytes)
    let at = 0
    while (this.#buffer.length - at >= 4) {
      const length = new DataView(this.#buffer.buffer, this.#buffer.byteOffset + at, 4).getUint32(0)
      if (length > MAX_REPAIR_BYTES) return this.#break(messages)
      if (this.#buffer.length - at < 4 + length) break
      const message = decodeRepair(this.#buffer.subarray(at + 4, at + 4 + length))
      if (message === undefined) return this.#break(messages)
      messages.push(message)
      at += 4 + length
    }
    this.#buffer = this.#buffer.slice(at)
    return messages
  }

  #break(messages: Array<RepairMessage>): Array<RepairMessage> {
    this.#isBroken = true
    this.#buffer = new Uint8Array(0)
    return messages
  }
}
