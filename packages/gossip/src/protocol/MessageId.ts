/**
 * The identity of a payload: the BLAKE3 hash of its content, 32 bytes. Each message that arrives is looked up in several maps,
 * so the id is a string of 16 UTF-16 units with two bytes each, which costs a tenth of hex digits to make and compare. The
 * string is opaque: {@link toHex} is for people, {@link write} for the wire.
 */
import * as Bytes from "@topic-tracker/common/Bytes"
import { blake3Words } from "@topic-tracker/crypto/blake3"
import type { Brand } from "effect"

/**
 * The identity of a payload.
 *
 * @since 0.1.0
 * @category models
 */
export type MessageId = string & Brand.Brand<"MessageId">

/**
 * The id in the 32 bytes from `offset` on, which must exist.
 *
 * @since 0.1.0
 * @category encoding
 */
export const read = (bytes: Uint8Array, offset = 0): MessageId => {
  const unit = (i: number) => bytes[offset + 2 * i]! | (bytes[offset + 2 * i + 1]! << 8)
  return String.fromCharCode(
    unit(0),
    unit(1),
    unit(2),
    unit(3),
    unit(4),
    unit(5),
    unit(6),
    unit(7),
    unit(8),
    unit(9),
    unit(10),
    unit(11),
    unit(12),
    unit(13),
    unit(14),
    unit(15),
  ) as MessageId
}

/**
 * The i-th of the eight 32-bit words that the id's bytes are, little-endian, as a signed integer.
 *
 * @since 0.1.0
 * @category operations
 */
export const word = (id: MessageId, i: number): number => id.charCodeAt(2 * i) | (id.charCodeAt(2 * i + 1) << 16)

/**
 * Writes the 32 bytes of the id at `offset`.
 *
 * @since 0.1.0
 * @category encoding
 */
export const write = (id: MessageId, bytes: Uint8Array, offset: number): void => {
  for (let i = 0; i < 16; i++) {
    const unit = id.charCodeAt(i)
    bytes[offset + 2 * i] = unit
    bytes[offset + 2 * i + 1] = unit >>> 8
  }
}

/**
 * The id of a payload: the BLAKE3 hash of its content (iroh-gossip `MessageId::from_content`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofContent = (content: Uint8Array): MessageId => {
  blake3Words(content, words)
  return String.fromCharCode(
    words[0]! & 0xffff,
    words[0]! >>> 16,
    words[1]! & 0xffff,
    words[1]! >>> 16,
    words[2]! & 0xffff,
    words[2]! >>> 16,
    words[3]! & 0xffff,
    words[3]! >>> 16,
    words[4]! & 0xffff,
    words[4]! >>> 16,
    words[5]! & 0xffff,
    words[5]! >>> 16,
    words[6]! & 0xffff,
    words[6]! >>> 16,
    words[7]! & 0xffff,
    words[7]! >>> 16,
  ) as MessageId
}

const words = new Int32Array(8)

/**
 * The id as its 32 bytes.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toBytes = (id: MessageId): Uint8Array => {
  const bytes = new Uint8Array(32)
  write(id, bytes, 0)
  return bytes
}

/**
 * The id as 64 lowercase hex digits.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toHex = (id: MessageId): string => Bytes.toHex(toBytes(id))
