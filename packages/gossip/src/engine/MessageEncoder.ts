/**
 * Messages to bytes. There is one encoder for all streams of an engine: its buffer is empty between two uses, and a payload that goes
 * to several peers is encoded once.
 */
import { FrameEncoder } from "../protocol/codec/frames.ts"
import { encodeMessage } from "../protocol/codec/message.ts"
import type { Message } from "../protocol/index.ts"

export class MessageEncoder {
  /** Puts encoded messages into frames. */
  readonly frames: FrameEncoder
  private readonly maxMessageSize: number
  private last: { readonly message: Message; readonly bytes: Uint8Array } | undefined

  constructor(maxMessageSize: number) {
    this.maxMessageSize = maxMessageSize
    this.frames = new FrameEncoder(maxMessageSize)
  }

  /** The bytes of the message, or undefined if they are not below the maximum message size. */
  encode(message: Message): Uint8Array | undefined {
    if (this.last?.message === message) return this.last.bytes
    const bytes = encodeMessage(message)
    if (bytes.length >= this.maxMessageSize) return undefined
    this.last = { message, bytes }
    return bytes
  }
}
