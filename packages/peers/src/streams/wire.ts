/**
 * The bytes of a peer stream: its opening, the answer, and the frames after it. Codecs only; they know no connection. The layout is
 * specified in PROTOCOL.md, "Peer streams".
 */
import { concat } from "@topic-tracker/common/Bytes"

/** The application protocol of connections that carry peer streams. */
export const PEERS_ALPN = "/topic-tracker/peers/1"

/** First bytes of a stream: the door of members-only topics, or an opening. */
export const DOOR_BYTE = 0x01
export const OPENING_BYTE = 0x10

export const TOPIC_BYTES = 32
export const MAX_PROTOCOL_BYTES = 64

/** Bytes that each side may send on a new stream without leave. */
export const FIRST_WINDOW = 65_536

/** The answers to an opening, by their code on the wire. */
export const ANSWERS = [
  "open",
  "not served",
  "refused",
  "not proven",
  "too many streams",
  "no such topic",
  "no allow",
] as const

/**
 * The answer to an opening.
 *
 * @since 0.1.0
 */
export type Answer = (typeof ANSWERS)[number]

export const encodeAnswer = (answer: Answer): Uint8Array => Uint8Array.of(ANSWERS.indexOf(answer))

/** A code of a later version is a refusal. */
export const decodeAnswer = (code: number): Answer => ANSWERS[code] ?? "refused"

/** The topic and protocol of a new stream. */
export interface Opening {
  /** 32 bytes. */
  readonly topic: Uint8Array
  readonly protocol: string
}

const encoder = new TextEncoder()

/** Whether the text can name a protocol: 1 to 64 bytes of UTF-8, without unpaired surrogates. */
export const isProtocolName = (name: unknown): name is string => {
  if (typeof name !== "string" || !name.isWellFormed()) return false
  const { length } = encoder.encode(name)
  return length > 0 && length <= MAX_PROTOCOL_BYTES
}

export const encodeOpening = ({ protocol, topic }: Opening): Uint8Array => {
  const name = encoder.encode(protocol)
  return concat(Uint8Array.of(OPENING_BYTE), topic, Uint8Array.of(name.length), name)
}

/**
 * Reads an opening from the first bytes of a stream: undefined while bytes are missing, "malformed" if they are no opening. An opener
 * has nothing to send before the answer, so further bytes are malformed too.
 */
export const decodeOpening = (bytes: Uint8Array): Opening | "malformed" | undefined => {
  const head = 1 + TOPIC_BYTES + 1
  if (bytes.length > 0 && bytes[0] !== OPENING_BYTE) return "malformed"
  if (bytes.length < head) return undefined
  const length = bytes[head - 1]!
  if (length === 0 || length > MAX_PROTOCOL_BYTES || bytes.length > head + length) return "malformed"
  if (bytes.length < head + length) return undefined
  try {
    const protocol = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(head))
    return { topic: bytes.slice(1, 1 + TOPIC_BYTES), protocol }
  } catch {
    return "malformed"
  }
}

const DATA = 0
const CREDIT = 1
const FINISH = 2
const CLOSE = 3

/** Bytes before the data of a frame. */
export const DATA_HEAD = 5

/** The longest reason of a close in bytes, as in WebSockets (RFC 6455, section 5.5). */
const MAX_REASON_BYTES = 123

const encodeNumber = (type: number, value: number): Uint8Array => {
  const bytes = new Uint8Array(5)
  bytes[0] = type
  writeU32(bytes, 1, value)
  return bytes
}

/** The head of a data frame. */
export const encodeDataHead = (length: number): Uint8Array => encodeNumber(DATA, length)

export const encodeCredit = (bytes: number): Uint8Array => encodeNumber(CREDIT, bytes)

export const FINISH_FRAME: Uint8Array = Uint8Array.of(FINISH)

/** A reason that is too long is cut, and may lose a character at its end. */
export const encodeClose = (code: number, reason = ""): Uint8Array => {
  const text = encoder.encode(reason).subarray(0, MAX_REASON_BYTES)
  return concat(Uint8Array.of(CLOSE, code >> 8, code & 0xff, text.length), text)
}

/** The content of the frames of the other side. */
export interface FrameHandler {
  /** A part of the data of a frame. */
  readonly data: (bytes: Uint8Array) => void
  readonly credit: (bytes: number) => void
  readonly finish: () => void
  readonly close: (code: number, reason: string) => void
}

/** Reads frames from bytes that come in any pieces. It buffers no data, and at most 127 bytes of other frames. */
export class FrameReader {
  #head: Uint8Array = new Uint8Array(0)
  /** Data of the current frame that has not come yet. */
  #missing = 0

  /** Whether the bytes are between two frames. */
  get isBetweenFrames(): boolean {
    return this.#head.length === 0 && this.#missing === 0
  }

  /** Hands on what the bytes say, in order. Returns false if they are no frames; nothing may be pushed after that. */
  push(bytes: Uint8Array, handler: FrameHandler): boolean {
    let rest = this.#head.length === 0 ? bytes : concat(this.#head, bytes)
    this.#head = new Uint8Array(0)
    while (rest.length > 0) {
      if (this.#missing > 0) {
        const part = rest.subarray(0, this.#missing)
        this.#missing -= part.length
        rest = rest.subarray(part.length)
        handler.data(part)
        continue
      }
      const length = frameLength(rest)
      if (length === undefined) return false
      if (rest.length < length) {
        this.#head = rest.slice()
        return true
      }
      this.#apply(rest.subarray(0, length), handler)
      rest = rest.subarray(length)
    }
    return true
  }

  #apply(frame: Uint8Array, handler: FrameHandler): void {
    switch (frame[0]) {
      case DATA:
        this.#missing = readU32(frame, 1)
        break
      case CREDIT:
        handler.credit(readU32(frame, 1))
        break
      case FINISH:
        handler.finish()
        break
      default:
        handler.close((frame[1]! << 8) | frame[2]!, new TextDecoder().decode(frame.subarray(4)))
    }
  }
}

/** The bytes of a frame without its data, as far as they are known; undefined if this is no frame. */
const frameLength = (bytes: Uint8Array): number | undefined => {
  switch (bytes[0]) {
    case DATA:
    case CREDIT:
      return 5
    case FINISH:
      return 1
    case CLOSE:
      if (bytes.length < 4) return 4
      return bytes[3]! > MAX_REASON_BYTES ? undefined : 4 + bytes[3]!
    default:
      return undefined
  }
}

const writeU32 = (target: Uint8Array, at: number, value: number): void => {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
