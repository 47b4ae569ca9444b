/**
 * The four messages by which two nodes prove to each other that they are members, and the refusal. Bytes and MACs only; Door.ts of
 * gossip has the order of the messages and the time limits. The layout is specified in PROTOCOL.md, "Members-only topics".
 */
import { concat } from "@topic-tracker/common/Bytes"
import type { EpochKeys } from "./MembersKeys.ts"

/** The version of the door. */
export const DOOR_VERSION = 1

/** Bytes of each message. */
export const M1_BYTES = 47
export const M2_BYTES = 38
export const M3_BYTES = 33
export const M4_BYTES = 33
export const REFUSAL_BYTES = 2

/** The statements of a node about itself in m1 and m2. Bits without a name are ignored. */
export const DoorFlag = {
  /** It validates contents before it forwards them. */
  validates: 0x01,
  /** Reserved for a proof that covers 32 bytes of the TLS exporter. */
  exporter: 0x02,
  /** It answers repair messages on the stream of the door. */
  repairs: 0x04,
  /** It takes whispers there, too. */
  whispers: 0x08,
} as const

/**
 * The reason of a refusal, by its code on the wire.
 *
 * @since 0.1.0
 */
export type DoorRefusal = "not here" | "version" | "clock" | "not allowed" | "busy" | "proof wrong"

const REFUSALS: ReadonlyArray<DoorRefusal> = ["not here", "version", "clock", "not allowed", "busy", "proof wrong"]

export interface M1 {
  readonly flags: number
  readonly epoch: number
  /** 8 bytes. */
  readonly doorTag: Uint8Array
  /** 32 random bytes. */
  readonly nonce: Uint8Array
}

export interface M2 {
  readonly flags: number
  readonly epoch: number
  /** 32 random bytes. */
  readonly nonce: Uint8Array
}

export const encodeM1 = ({ doorTag, epoch, flags, nonce }: M1): Uint8Array =>
  concat(Uint8Array.of(1, DOOR_VERSION, flags), u32be(epoch), doorTag, nonce)

/** Reads the 47 bytes of m1. */
export const decodeM1 = (bytes: Uint8Array): M1 => ({
  flags: bytes[2]!,
  epoch: readU32be(bytes, 3),
  doorTag: bytes.subarray(7, 15),
  nonce: bytes.subarray(15, M1_BYTES),
})

export const encodeM2 = ({ epoch, flags, nonce }: M2): Uint8Array =>
  concat(Uint8Array.of(2, flags), u32be(epoch), nonce)

/** Reads the 38 bytes of m2. */
export const decodeM2 = (bytes: Uint8Array): M2 => ({
  flags: bytes[1]!,
  epoch: readU32be(bytes, 2),
  nonce: bytes.subarray(6, M2_BYTES),
})

export const encodeRefusal = (reason: DoorRefusal): Uint8Array => Uint8Array.of(0, REFUSALS.indexOf(reason) + 1)

/** The reason in the second byte of a refusal; a code of a later version is `version`. */
export const decodeRefusal = (code: number): DoorRefusal => REFUSALS[code - 1] ?? "version"

/** Both MACs cover the two messages as they were sent, both endpoint ids as the connection reports them, and the gossip topic. */
export interface DoorTranscript {
  readonly m1: Uint8Array
  readonly m2: Uint8Array
  /** 32 bytes each. */
  readonly dialler: Uint8Array
  readonly acceptor: Uint8Array
  readonly gossipTopic: Uint8Array
}

/** The message with the dialler's proof. `keys` are those of the later of both minutes. */
export const encodeM3 = (keys: EpochKeys, transcript: DoorTranscript): Uint8Array =>
  concat(Uint8Array.of(3), keys.doorMac(macInput(0x44, transcript)))

/** The message with the acceptor's proof, which covers the dialler's. */
export const encodeM4 = (keys: EpochKeys, transcript: DoorTranscript, m3: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(4), keys.doorMac(concat(macInput(0x41, transcript), m3.subarray(1))))

const macInput = (label: number, { acceptor, dialler, gossipTopic, m1, m2 }: DoorTranscript): Uint8Array =>
  concat(Uint8Array.of(label), m1, m2, dialler, acceptor, gossipTopic)

/** Whether both have the same bytes, in a time that does not depend on where they differ. */
export const equalsConstantTime = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

const u32be = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

const readU32be = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at)
