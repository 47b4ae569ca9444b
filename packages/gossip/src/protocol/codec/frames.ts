/**
 * Frames: the messages on a topic's stream, each as a u32 big-endian length and that many bytes. The first frame of a stream
 * is the topic's id. Source: iroh-gossip 0.101 `src/net/util.rs`. As there, a frame of exactly the maximum size is read but not
 * written.
 */
import { TopicId } from "@topic-tracker/crypto"
import { Postcard } from "@topic-tracker/postcard"
import { Result, Schema } from "effect"
import type { Message } from "../Message.ts"
import { messageCodec } from "./message.ts"

const PREFIX_BYTES = 4

/** The bytes that a decoder holds at first. Most never hold more: frames arrive complete. */
const NOTHING = new Uint8Array(0)

/**
 * The encoding of a message is not below the maximum size. `size`: its bytes.
 *
 * @since 0.1.0
 * @category errors
 */
export class FrameTooLarge extends Schema.TaggedError<FrameTooLarge>()("FrameTooLarge", {
  message: Schema.String,
  size: Schema.Int,
}) {}

/**
 * Writes frames one after the other into one buffer, so that many go out in one write.
 *
 * @since 0.1.0
 * @category models
 */
export class FrameEncoder {
  private readonly writer: Postcard.Writer
  private readonly maxMessageSize: number
  private buffer: Uint8Array
  private length = 0

  constructor(maxMessageSize: number) {
    this.maxMessageSize = maxMessageSize
    this.writer = new Postcard.Writer()
    this.buffer = new Uint8Array(1_024)
  }

  /** Bytes appended since the last take. */
  get size(): number {
    return this.length
  }

  /** Appends a stream's first frame. */
  header(topic: TopicId): void {
    this.append(topic.bytes)
  }

  /** Appends a message. A message that is too large leaves the buffer as it was. */
  message(message: Message): Result.Result<void, FrameTooLarge> {
    this.writer.reset()
    messageCodec.write(this.writer, message)
    return this.encoded(this.writer.view())
  }

  /** Appends a message that is encoded already: for a message that goes to several peers. */
  encoded(bytes: Uint8Array): Result.Result<void, FrameTooLarge> {
    if (bytes.length >= this.maxMessageSize) {
      const message = `message: ${bytes.length} bytes; must be less than ${this.maxMessageSize}`
      return Result.fail(new FrameTooLarge({ message, size: bytes.length }))
    }
    this.append(bytes)
    return Result.succeed(undefined)
  }

  /** The appended bytes, which belong to the caller; the encoder is empty afterwards. */
  take(): Uint8Array {
    const bytes = this.buffer.slice(0, this.length)
    this.length = 0
    return bytes
  }

  private append(bytes: Uint8Array): void {
    const end = this.length + PREFIX_BYTES + bytes.length
    if (end > this.buffer.length) {
      const grown = new Uint8Array(Math.max(2 * this.buffer.length, end))
      grown.set(this.buffer.subarray(0, this.length))
      this.buffer = grown
    }
    const size = bytes.length
    this.buffer[this.length] = size >>> 24
    this.buffer[this.length + 1] = size >>> 16
    this.buffer[this.length + 2] = size >>> 8
    this.buffer[this.length + 3] = size
    this.buffer.set(bytes, this.length + PREFIX_BYTES)
    this.length = end
  }
}

/**
 * A frame longer than the maximum size: nothing after it on the stream can be read.
 *
 * @since 0.1.0
 * @category models
 */
export interface TooLong {
  readonly _tag: "TooLong"
  readonly size: number
  readonly maxMessageSize: number
}

/**
 * Cuts a stream into frames. Its bytes may arrive in chunks of any size. A frame that lies within one chunk is a view of that chunk,
 * without a copy; the bytes of at most one frame are held.
 *
 * @since 0.1.0
 * @category models
 */
export class FrameDecoder {
  private readonly maxMessageSize: number
  /** The start of a frame whose rest has not arrived: prefix and body. */
  private held: Uint8Array = NOTHING
  private heldLength = 0
  private failure: TooLong | undefined

  constructor(maxMessageSize: number) {
    this.maxMessageSize = maxMessageSize
  }

  /** Whether the stream may end here: no frame is incomplete. */
  get atBoundary(): boolean {
    return this.heldLength === 0 && this.failure === undefined
  }

  /**
   * Calls `onFrame` with each frame that the chunk completes, in order. The frame's bytes are valid until `onFrame` returns and
   * as long as the chunk is not changed. After a TooLong every further push returns the same one.
   */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): TooLong | undefined {
    if (this.failure !== undefined) return this.failure
    let position = 0
    if (this.heldLength > 0) {
      position = this.complete(chunk, onFrame)
      if (this.failure !== undefined || this.heldLength > 0) return this.failure
    }
    while (chunk.length - position >= PREFIX_BYTES) {
      const size = this.frameSize(chunk, position)
      if (size === undefined) return this.failure
      const end = position + PREFIX_BYTES + size
      if (end > chunk.length) break
      onFrame(chunk.subarray(position + PREFIX_BYTES, end))
      position = end
    }
    if (position < chunk.length) this.hold(chunk, position, chunk.length)
    return undefined
  }

  /** Completes the frame that is held. Returns how many bytes of the chunk that took. */
  private complete(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): number {
    let position = 0
    if (this.heldLength < PREFIX_BYTES) {
      position = Math.min(PREFIX_BYTES - this.heldLength, chunk.length)
      this.hold(chunk, 0, position)
      if (this.heldLength < PREFIX_BYTES) return position
    }
    const size = this.frameSize(this.held, 0)
    if (size === undefined) return position
    const end = Math.min(position + PREFIX_BYTES + size - this.heldLength, chunk.length)
    this.hold(chunk, position, end)
    if (this.heldLength === PREFIX_BYTES + size) {
      this.heldLength = 0
      onFrame(this.held.subarray(PREFIX_BYTES, PREFIX_BYTES + size))
    }
    return end
  }

  private frameSize(bytes: Uint8Array, offset: number): number | undefined {
    const size =
      ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0
    if (size <= this.maxMessageSize) return size
    this.failure = { _tag: "TooLong", size, maxMessageSize: this.maxMessageSize }
    return undefined
  }

  private hold(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.heldLength + end - start
    if (needed > this.held.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(2 * this.held.length, PREFIX_BYTES + this.maxMessageSize)))
      grown.set(this.held.subarray(0, this.heldLength))
      this.held = grown
    }
    this.held.set(chunk.subarray(start, end), this.heldLength)
    this.heldLength = needed
  }
}

/**
 * The topic in a stream's first frame. As in iroh-gossip, bytes after the first 32 are ignored.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodeHeader = (frame: Uint8Array): TopicId | undefined =>
  frame.length < 32 ? undefined : TopicId.fromBytes(frame.subarray(0, 32))
