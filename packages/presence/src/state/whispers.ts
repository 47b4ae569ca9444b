/**
 * The messages between two neighbours: digests of what they know, and the steps by which they find and give each other what one of them lacks.
 * Bytes only, big-endian; specified in PROTOCOL.md, "Presence".
 */
import { fromHex, toHex } from "@topic-tracker/common/Bytes"
import { Note } from "@topic-tracker/crypto/members"
import { MAX_WHISPER_BYTES } from "./limits.ts"

/** Bits of a digest's second byte. */
export const DigestFlag = {
  /** Answer with your digest, now. */
  question: 0x01,
  answer: 0x02,
  /** The sender has learnt something that no broadcast brings. */
  learnt: 0x04,
  /** The sender is still reading a list: do not compare. */
  incomplete: 0x08,
} as const

/** XOR of the first 8 bytes of the signatures of entries. */
export interface Root {
  readonly high: number
  readonly low: number
}

/** An entry in brief: 16 hex digits of the author's id, and the stamp. */
export interface Item {
  readonly prefix: string
  readonly stamp: number
}

export type Whisper =
  | { readonly _tag: "Digest"; readonly flags: number; readonly count: number; readonly root: Root }
  /** The roots of 2^bits parts of the ids, by their first bits. */
  | { readonly _tag: "Buckets"; readonly bits: number; readonly roots: ReadonlyArray<Root> }
  /** The entries of these parts. `isReply`: only those that the other side lacks; no answer. */
  | {
      readonly _tag: "Items"
      readonly isReply: boolean
      readonly bits: number
      readonly buckets: ReadonlyArray<number>
      readonly items: ReadonlyArray<Item>
    }
  | { readonly _tag: "Want"; readonly prefixes: ReadonlyArray<string> }
  | { readonly _tag: "Notes"; readonly notes: ReadonlyArray<Uint8Array> }
  /** All entries whose id is over this one, 64 hex digits. */
  | { readonly _tag: "Pull"; readonly after: string }
  | { readonly _tag: "Page"; readonly isLast: boolean; readonly notes: ReadonlyArray<Uint8Array> }

const TAGS: ReadonlyArray<Whisper["_tag"]> = ["Digest", "Buckets", "Items", "Want", "Notes", "Pull", "Page"]
export const MAX_BITS = 10
export const ITEM_BYTES = 14
const PREFIX_BYTES = 8

export const encodeWhisper = (whisper: Whisper): Uint8Array => {
  const writer = new Writer(TAGS.indexOf(whisper._tag) + 1)
  switch (whisper._tag) {
    case "Digest":
      writer.u8(whisper.flags).u32(whisper.count).root(whisper.root)
      break
    case "Buckets":
      writer.u8(whisper.bits)
      for (const root of whisper.roots) writer.root(root)
      break
    case "Items":
      writer
        .u8(whisper.isReply ? 1 : 0)
        .u8(whisper.bits)
        .u16(whisper.buckets.length)
      for (const bucket of whisper.buckets) writer.u16(bucket)
      for (const { prefix, stamp } of whisper.items)
        writer
          .bytes(fromHex(prefix))
          .u16(Math.floor(stamp / 2 ** 32))
          .u32(stamp >>> 0)
      break
    case "Want":
      for (const prefix of whisper.prefixes) writer.bytes(fromHex(prefix))
      break
    case "Pull":
      writer.bytes(fromHex(whisper.after))
      break
    case "Page":
      writer.u8(whisper.isLast ? 1 : 0).notes(whisper.notes)
      break
    case "Notes":
      writer.notes(whisper.notes)
  }
  return writer.finish()
}

/** The message, or undefined if there is none in the bytes. Notes are checked for their form only. */
export const decodeWhisper = (bytes: Uint8Array): Whisper | undefined => {
  if (bytes.length < 1 || bytes.length > MAX_WHISPER_BYTES + 64) return undefined
  const reader = new Reader(bytes)
  switch (TAGS[bytes[0]! - 1]) {
    case "Digest":
      return bytes.length === 14
        ? { _tag: "Digest", flags: reader.u8(), count: reader.u32(), root: reader.root() }
        : undefined
    case "Buckets": {
      const bits = bytes.length > 1 ? reader.u8() : MAX_BITS + 1
      if (bits > MAX_BITS || bytes.length !== 2 + 8 * 2 ** bits) return undefined
      return { _tag: "Buckets", bits, roots: Array.from({ length: 2 ** bits }, () => reader.root()) }
    }
    case "Items": {
      if (bytes.length < 5) return undefined
      const isReply = reader.u8() === 1
      const bits = reader.u8()
      const count = reader.u16()
      const rest = bytes.length - 5 - 2 * count
      if (bits > MAX_BITS || count > 2 ** bits || rest < 0 || rest % ITEM_BYTES !== 0) return undefined
      const buckets = Array.from({ length: count }, () => reader.u16())
      if (buckets.some((bucket) => bucket >= 2 ** bits)) return undefined
      const items = Array.from({ length: rest / ITEM_BYTES }, () => ({
        prefix: reader.hex(PREFIX_BYTES),
        stamp: reader.u16() * 2 ** 32 + reader.u32(),
      }))
      return { _tag: "Items", isReply, bits, buckets, items }
    }
    case "Want":
      if ((bytes.length - 1) % PREFIX_BYTES !== 0) return undefined
      return {
        _tag: "Want",
        prefixes: Array.from({ length: (bytes.length - 1) / PREFIX_BYTES }, () => reader.hex(PREFIX_BYTES)),
      }
    case "Pull":
      return bytes.length === 33 ? { _tag: "Pull", after: reader.hex(32) } : undefined
    case "Page": {
      const isLast = bytes.length > 1 && reader.u8() === 1
      const notes = bytes.length > 1 ? reader.notes() : undefined
      return notes && { _tag: "Page", isLast, notes }
    }
    case "Notes": {
      const notes = reader.notes()
      return notes && { _tag: "Notes", notes }
    }
    default:
      return undefined
  }
}

class Writer {
  #buffer = new Uint8Array(64)
  #view = new DataView(this.#buffer.buffer)
  #at = 0

  constructor(tag: number) {
    this.u8(tag)
  }

  u8(value: number): this {
    this.#buffer[this.#grow(1)] = value
    return this
  }

  u16(value: number): this {
    const at = this.#grow(2)
    this.#view.setUint16(at, value)
    return this
  }

  u32(value: number): this {
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
    return this
  }

  root({ high, low }: Root): this {
    return this.u32(high).u32(low)
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  notes(notes: ReadonlyArray<Uint8Array>): this {
    for (const note of notes) this.u16(note.length).bytes(note)
    return this
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#at)
  }

  /** Makes room for so many bytes and gives their place. */
  #grow(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    if (this.#at > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#at))
      larger.set(this.#buffer)
      this.#buffer = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  u8(): number {
    return this.#bytes[this.#at++]!
  }

  u16(): number {
    this.#at += 2
    return this.#view.getUint16(this.#at - 2)
  }

  u32(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4)
  }

  root(): Root {
    return { high: this.u32(), low: this.u32() }
  }

  hex(length: number): string {
    this.#at += length
    return toHex(this.#bytes.subarray(this.#at - length, this.#at))
  }

  /** All notes up to the end; undefined if one is none. */
  notes(): ReadonlyArray<Uint8Array> | undefined {
    const notes: Array<Uint8Array> = []
    while (this.#at < this.#bytes.length) {
      if (this.#bytes.length - this.#at < 2) return undefined
      const length = this.u16()
      const note = this.#bytes.slice(this.#at, this.#at + length)
      if (note.length !== length || !Note.isNote(note)) return undefined
      notes.push(note)
      this.#at += length
    }
    return notes
  }
}
