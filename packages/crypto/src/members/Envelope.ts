/**
 * The envelope of a message on a members-only topic: sealed for the members, and signed by its author unless its channel is a group
 * channel. Fixed offsets, big-endian integers. This module reads, writes, seals and signs; whether an envelope is accepted is decided
 * elsewhere. The layout is specified in PROTOCOL.md, "Members-only topics".
 */
import { concat } from "@topic-tracker/common/Bytes"
import type { CryptoService, SigningKey } from "../CryptoService.ts"
import { type ChannelMode, type EpochKeys, modeNumber } from "./MembersKeys.ts"

/** Bytes before the ciphertext: the associated data of the seal. */
export const HEADER_BYTES = 66
const TAG_BYTES = 16
const SIGNATURE_BYTES = 64

/** Bytes that an envelope adds to its plaintext, if it is signed, and if it is not. */
export const SIGNED_OVERHEAD_BYTES: number = HEADER_BYTES + TAG_BYTES + SIGNATURE_BYTES
export const GROUP_OVERHEAD_BYTES: number = HEADER_BYTES + TAG_BYTES

/** A message of more bytes is rejected by every node. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
/** The highest sequence number: every JavaScript number up to it is exact. */
export const MAX_SEQ: number = Number.MAX_SAFE_INTEGER

/** The bits of the second byte. Bit 0x80 must be 0. */
export const Flag = {
  signed: 0x01,
  batch: 0x02,
  part: 0x04,
  neighborsOnly: 0x08,
  acknowledge: 0x10,
  last: 0x20,
  extension: 0x40,
} as const
const RESERVED_FLAG = 0x80
const VERSION = 1

const SIGNATURE_LABEL = new TextEncoder().encode("topic-tracker/members/1 envelope")

/** The scope that gossip delivered a content in. */
export type EnvelopeScope = "swarm" | "neighbors"

/** The reason why bytes are no envelope that this version takes: `newer` ones are ignored, the others rejected. */
export type FormProblem = "newer" | "length" | "flags" | "scope" | "mode" | "seq" | "count"

/** Fields of an envelope, read in place. They are valid only if {@link checkForm} found no problem. */
export const flags = (envelope: Uint8Array): number => envelope[1]!
export const epoch = (envelope: Uint8Array): number => view(envelope).getUint32(2)
export const author = (envelope: Uint8Array): Uint8Array => envelope.subarray(6, 38)
export const session = (envelope: Uint8Array): Uint8Array => envelope.subarray(38, 46)
export const channel = (envelope: Uint8Array): Uint8Array => envelope.subarray(46, 54)
/** author ‖ session ‖ channel, 48 bytes: sequence numbers count within it. */
export const stream = (envelope: Uint8Array): Uint8Array => envelope.subarray(6, 54)
export const seq = (envelope: Uint8Array): number => {
  const fields = view(envelope)
  return fields.getUint32(54) * 2 ** 32 + fields.getUint32(58)
}
/** The number of a part, from 0; 0 if the message is whole. */
export const index = (envelope: Uint8Array): number => view(envelope).getUint16(62)
/** The number of parts, or of messages in a batch; 1 if the message is whole. */
export const count = (envelope: Uint8Array): number => view(envelope).getUint16(64)
/** The last sequence number that the envelope has: that of the last message of a batch. */
export const lastSeq = (envelope: Uint8Array): number =>
  (flags(envelope) & Flag.batch) === 0 ? seq(envelope) : seq(envelope) + count(envelope) - 1
export const isSigned = (envelope: Uint8Array): boolean => (flags(envelope) & Flag.signed) !== 0

/** Whether the bytes have the form of an envelope. It depends on the bytes and their scope only, so all nodes agree. */
export const checkForm = (envelope: Uint8Array, scope: EnvelopeScope): FormProblem | undefined => {
  if (envelope.length === 0) return "length"
  if (envelope[0] !== VERSION) return "newer"
  if (envelope.length < 2) return "length"
  const bits = flags(envelope)
  if ((bits & RESERVED_FLAG) !== 0) return "newer"
  const size = plaintextBytes(envelope)
  if (size < 0) return "length"
  const neighborsOnly = (bits & Flag.neighborsOnly) !== 0
  if (neighborsOnly !== (scope === "neighbors")) return "scope"
  const isPart = (bits & Flag.part) !== 0
  const isBatch = (bits & Flag.batch) !== 0
  const isLast = (bits & Flag.last) !== 0
  if ((isPart && isBatch) || (isLast && (isPart || isBatch))) return "flags"
  if (modeNumber({ group: (bits & Flag.signed) === 0, neighborsOnly }) !== envelope[46]! >>> 6) return "mode"
  if (view(envelope).getUint32(54) > 0x1f_ffff) return "seq"
  const from = seq(envelope)
  const parts = count(envelope)
  if (from < 1 || from > MAX_SEQ - (isBatch ? parts - 1 : 0)) return "seq"
  if (isPart) {
    if (parts < 2 || index(envelope) >= parts || size === 0 || parts * size > MAX_MESSAGE_BYTES) return "count"
  } else if (index(envelope) !== 0 || (isBatch ? parts < 2 : parts !== 1)) return "count"
  return undefined
}

const plaintextBytes = (envelope: Uint8Array): number =>
  envelope.length - (isSigned(envelope) ? SIGNED_OVERHEAD_BYTES : GROUP_OVERHEAD_BYTES)

/**
 * What {@link seal} makes an envelope of.
 *
 * @since 0.1.0
 */
export interface EnvelopeInput {
  readonly mode: ChannelMode
  /** Any of {@link Flag} except those that follow from `mode`. */
  readonly flags?: number
  readonly keys: EpochKeys
  /** 32 bytes: the gossip topic, which the signature covers. */
  readonly gossipTopic: Uint8Array
  /** The author. In a group channel only its public key is used. */
  readonly author: SigningKey
  /** 8 random bytes, new at each opening of the topic. */
  readonly session: Uint8Array
  /** 8 bytes. */
  readonly channel: Uint8Array
  readonly seq: number
  readonly index?: number
  readonly count?: number
  readonly plaintext: Uint8Array
}

/** Seals the plaintext and signs the result. The same stream, seq and index must never be sealed with two plaintexts. */
export const seal = (crypto: CryptoService, input: EnvelopeInput): Uint8Array => {
  const { mode, plaintext } = input
  const overhead = mode.group ? GROUP_OVERHEAD_BYTES : SIGNED_OVERHEAD_BYTES
  const envelope = new Uint8Array(overhead + plaintext.length)
  const fields = view(envelope)
  envelope[0] = VERSION
  envelope[1] = (input.flags ?? 0) | (mode.group ? 0 : Flag.signed) | (mode.neighborsOnly ? Flag.neighborsOnly : 0)
  fields.setUint32(2, input.keys.epoch)
  envelope.set(input.author.publicKey, 6)
  envelope.set(input.session, 38)
  envelope.set(input.channel, 46)
  fields.setUint32(54, Math.floor(input.seq / 2 ** 32))
  fields.setUint32(58, input.seq >>> 0)
  fields.setUint16(62, input.index ?? 0)
  fields.setUint16(64, input.count ?? 1)
  const key = input.keys.sealKey(stream(envelope))
  const header = envelope.subarray(0, HEADER_BYTES)
  envelope.set(crypto.aeadSeal(key, nonce(envelope), header, plaintext), HEADER_BYTES)
  if (!mode.group) {
    const end = envelope.length - SIGNATURE_BYTES
    envelope.set(crypto.sign(input.author, signedBytes(input.gossipTopic, envelope)), end)
  }
  return envelope
}

/** The plaintext, or undefined if the seal does not open with the keys of the envelope's minute. */
export const open = (crypto: CryptoService, keys: EpochKeys, envelope: Uint8Array): Uint8Array | undefined => {
  const end = isSigned(envelope) ? envelope.length - SIGNATURE_BYTES : envelope.length
  const header = envelope.subarray(0, HEADER_BYTES)
  return crypto.aeadOpen(keys.sealKey(stream(envelope)), nonce(envelope), header, envelope.subarray(HEADER_BYTES, end))
}

/** Whether the author signed this envelope for this gossip topic. Only for an envelope with the flag `signed`. */
export const verify = (crypto: CryptoService, gossipTopic: Uint8Array, envelope: Uint8Array): boolean =>
  crypto.verifyStrict(
    author(envelope),
    signedBytes(gossipTopic, envelope),
    envelope.subarray(envelope.length - SIGNATURE_BYTES),
  )

const signedBytes = (gossipTopic: Uint8Array, envelope: Uint8Array): Uint8Array =>
  concat(SIGNATURE_LABEL, gossipTopic, envelope.subarray(0, envelope.length - SIGNATURE_BYTES))

/** seq(8) ‖ 0000 ‖ index(2). */
const nonce = (envelope: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(12)
  bytes.set(envelope.subarray(54, 62))
  bytes.set(envelope.subarray(62, 64), 10)
  return bytes
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
