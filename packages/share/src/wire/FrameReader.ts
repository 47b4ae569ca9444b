/** Makes messages of the bytes of a stream. A frame has no more room than its kind needs, and none before its length and kind are known. */
import { decode, LENGTH_BYTES, type Message, maxBodyBytes } from "./messages.ts"

const HEAD_BYTES = LENGTH_BYTES + 1

export class FrameReader {
  readonly #maxPieces: number
  readonly #head = new Uint8Array(HEAD_BYTES)
  #headLength = 0
  #body: Uint8Array | undefined
  #bodyLength = 0

  constructor(maxPieces: number) {
    this.#maxPieces = maxPieces
  }

  /** The messages that are complete now; undefined if the peer does not keep to the protocol. */
  push(bytes: Uint8Array): ReadonlyArray<Message> | undefined {
    const messages: Array<Message> = []
    let at = 0
    while (at < bytes.length) {
      if (this.#body === undefined) {
        const part = bytes.subarray(at, at + HEAD_BYTES - this.#headLength)
        this.#head.set(part, this.#headLength)
        this.#headLength += part.length
        at += part.length
        if (this.#headLength < HEAD_BYTES) break
        const length = new DataView(this.#head.buffer).getUint32(0) - 1
        const max = maxBodyBytes(this.#head[LENGTH_BYTES]!, this.#maxPieces)
        if (max === undefined || length < 0 || length > max) return undefined
        this.#body = new Uint8Array(length)
        this.#bodyLength = 0
      }
      const part = bytes.subarray(at, at + this.#body.length - this.#bodyLength)
      this.#body.set(part, this.#bodyLength)
      this.#bodyLength += part.length
      at += part.length
      if (this.#bodyLength < this.#body.length) break
      const message = decode(this.#head[LENGTH_BYTES]!, this.#body)
      this.#body = undefined
      this.#headLength = 0
      if (message === undefined) return undefined
      messages.push(message)
    }
    return messages
  }
}
