/** The bodies of presence's notes: an entry, a goodbye, an accusation. Bytes only; specified in PROTOCOL.md, "Presence". */
import { toHex } from "@topic-tracker/common/Bytes"
import { Note } from "@topic-tracker/crypto/members"
import { MAX_ACCUSED, MAX_STATE_BYTES, MAX_TTL_MINUTES } from "./limits.ts"

/**
 * The kinds of notes that presence sends, as their numbers on the wire.
 *
 * @since 0.1.0
 * @category constants
 */
export const NoteKind = { here: 1, left: 2, suspect: 3 } as const

const HERE_BYTES = 8
const ACCUSED_BYTES = 38

/** The body of an entry. */
export interface Here {
  /** When this session of the member began: ms since the Unix epoch, by its clock. */
  readonly since: number
  /** The entry is valid for so many minutes after its stamp. */
  readonly ttlMinutes: number
  readonly state: Uint8Array
}

export const encodeHere = ({ since, state, ttlMinutes }: Here): Uint8Array => {
  const body = new Uint8Array(HERE_BYTES + state.length)
  const fields = new DataView(body.buffer)
  writeStamp(fields, 0, since)
  fields.setUint16(6, ttlMinutes)
  body.set(state, HERE_BYTES)
  return body
}

/** Undefined if it is none. The state is a part of the given bytes. */
export const decodeHere = (body: Uint8Array): Here | undefined => {
  if (body.length < HERE_BYTES || body.length > HERE_BYTES + MAX_STATE_BYTES) return undefined
  const fields = new DataView(body.buffer, body.byteOffset, body.length)
  const ttlMinutes = fields.getUint16(6)
  if (ttlMinutes < 1 || ttlMinutes > MAX_TTL_MINUTES) return undefined
  return { since: readStamp(fields, 0), ttlMinutes, state: body.subarray(HERE_BYTES) }
}

/** A member at a stamp: the accusation is over when it has a higher one. */
export interface Accused {
  /** Hex of its endpoint id. */
  readonly member: string
  readonly stamp: number
}

export const encodeSuspect = (
  accused: ReadonlyArray<{ readonly id: Uint8Array; readonly stamp: number }>,
): Uint8Array => {
  const body = new Uint8Array(ACCUSED_BYTES * accused.length)
  const fields = new DataView(body.buffer)
  for (const [i, { id, stamp }] of accused.entries()) {
    body.set(id, i * ACCUSED_BYTES)
    writeStamp(fields, i * ACCUSED_BYTES + 32, stamp)
  }
  return body
}

export const decodeSuspect = (body: Uint8Array): ReadonlyArray<Accused> | undefined => {
  const count = body.length / ACCUSED_BYTES
  if (!Number.isInteger(count) || count < 1 || count > MAX_ACCUSED) return undefined
  const fields = new DataView(body.buffer, body.byteOffset, body.length)
  return Array.from({ length: count }, (_, i) => ({
    member: toHex(body.subarray(i * ACCUSED_BYTES, i * ACCUSED_BYTES + 32)),
    stamp: readStamp(fields, i * ACCUSED_BYTES + 32),
  }))
}

/** Hex of the author's endpoint id. */
export const authorOf = (note: Uint8Array): string => toHex(Note.author(note))

const writeStamp = (fields: DataView, at: number, stamp: number): void => {
  fields.setUint16(at, Math.floor(stamp / 2 ** 32))
  fields.setUint32(at + 2, stamp >>> 0)
}

const readStamp = (fields: DataView, at: number): number => fields.getUint16(at) * 2 ** 32 + fields.getUint32(at + 2)
