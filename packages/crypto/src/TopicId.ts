/**
 * The 32-byte id of a topic in records, DHT keys and gossip streams.
 * Source: distributed-topic-tracker 0.3.5 `src/crypto/record.rs` (`TopicId`).
 */
import { sha512 } from "@noble/hashes/sha2.js"
import { toHex } from "@topic-tracker/common/Bytes"
import { Equal, Hash } from "effect"

/**
 * The id of a topic. Ids with the same bytes are equal for `Equal.equals`.
 *
 * @since 0.1.0
 * @category models
 */
export class TopicId implements Equal.Equal {
  /** The 32 bytes. */
  readonly bytes: Uint8Array
  /** The bytes as 64 lowercase hex digits, for use as the key of a Map. */
  readonly hex: string

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.hex = toHex(bytes)
  }

  /** The first 32 bytes of SHA-512 of the name; of a string, its UTF-8 bytes. The name may have any length, also 0. */
  static fromName(name: string | Uint8Array): TopicId {
    const bytes = typeof name === "string" ? new TextEncoder().encode(name) : name
    return new TopicId(sha512(bytes).slice(0, 32))
  }

  /** The topic with these 32 bytes. Throws a RangeError with the actual length if they are not 32. */
  static fromBytes(bytes: Uint8Array): TopicId {
    if (bytes.length !== 32) throw new RangeError(`bytes: ${bytes.length} bytes; a topic id has 32`)
    return new TopicId(new Uint8Array(bytes))
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof TopicId && that.hex === this.hex
  }

  [Hash.symbol](): number {
    return Hash.string(this.hex)
  }

  toString(): string {
    return `TopicId(${this.hex})`
  }
}
