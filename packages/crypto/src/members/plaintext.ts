/**
 * The inside of an envelope: an optional extension, then one message, several messages in a batch, or a part of one message. It knows
 * neither keys nor headers.
 */
import { concat } from "@topic-tracker/common/Bytes"
import { Flag } from "./Envelope.ts"

/**
 * The opened content of a whole envelope or of all parts together.
 *
 * @since 0.1.0
 * @category models
 */
export interface Contents {
  /** Bytes for later versions, which this one passes over. */
  readonly extension: Uint8Array | undefined
  /** One message, or those of a batch. None in the last envelope of a session. Views of the plaintext. */
  readonly messages: ReadonlyArray<Uint8Array>
}

/** The contents of a plaintext, or undefined if its lengths do not add up. `count` is the header's number of messages in a batch. */
export const readContents = (plaintext: Uint8Array, flags: number, count: number): Contents | undefined => {
  let rest = plaintext
  let extension: Uint8Array | undefined
  if ((flags & Flag.extension) !== 0) {
    extension = lengthPrefixed(plaintext, 0)
    if (extension === undefined) return undefined
    rest = plaintext.subarray(2 + extension.length)
  }
  if ((flags & Flag.last) !== 0) return rest.length === 0 ? { extension, messages: [] } : undefined
  if ((flags & Flag.batch) === 0) return { extension, messages: [rest] }
  const messages: Array<Uint8Array> = []
  let at = 0
  while (at < rest.length) {
    const message = lengthPrefixed(rest, at)
    if (message === undefined || messages.length === count) return undefined
    messages.push(message)
    at += 2 + message.length
  }
  return messages.length === count ? { extension, messages } : undefined
}

/** The plaintext of a batch. Each message has at most 65,535 bytes. */
export const batchPlaintext = (messages: ReadonlyArray<Uint8Array>): Uint8Array =>
  concat(...messages.flatMap((message) => [u16be(message.length), message]))

/** The plaintext with an extension before it, for an envelope with the flag `extension`. */
export const withExtension = (extension: Uint8Array, plaintext: Uint8Array): Uint8Array =>
  concat(u16be(extension.length), extension, plaintext)

/** The parts of a message, each of `room` bytes except the last. Views of the message. */
export const splitParts = (message: Uint8Array, room: number): ReadonlyArray<Uint8Array> => {
  const parts: Array<Uint8Array> = []
  for (let at = 0; at < message.length; at += room) parts.push(message.subarray(at, at + room))
  return parts
}

const lengthPrefixed = (bytes: Uint8Array, at: number): Uint8Array | undefined => {
  if (at + 2 > bytes.length) return undefined
  const end = at + 2 + bytes[at]! * 256 + bytes[at + 1]!
  return end > bytes.length ? undefined : bytes.subarray(at + 2, end)
}

const u16be = (value: number): Uint8Array => {
  if (value > 0xffff) throw new RangeError(`${value} bytes; at most 65535`)
  return Uint8Array.of(value >>> 8, value & 0xff)
}
