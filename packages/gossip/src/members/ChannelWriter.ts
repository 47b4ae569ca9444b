/**
 * Seals one session's messages in one channel: whole, several in a batch, or one in parts. It numbers them, so it must seal all of them. Plain
 * loops, no queue: the caller decides how many messages wait for one envelope.
 */
import type { CryptoService, SigningKey } from "@topic-tracker/crypto"
import { type ChannelMode, Envelope, type EpochWindow, Plaintext } from "@topic-tracker/crypto/members"

/**
 * Options of {@link ChannelWriter}.
 *
 * @since 0.1.0
 * @category options
 */
export interface ChannelWriterOptions {
  readonly crypto: CryptoService
  readonly window: EpochWindow
  readonly gossipTopic: Uint8Array
  readonly author: SigningKey
  /** 8 random bytes, new for each opening of the topic, and after a suspend of the machine. */
  readonly session: Uint8Array
  readonly channel: Uint8Array
  readonly mode: ChannelMode
  /** The largest content of a gossip message, in bytes. */
  readonly maxContentBytes: number
}

/**
 * The envelopes of some messages, and the sequence numbers of these.
 *
 * @since 0.1.0
 * @category models
 */
export interface Written {
  readonly envelopes: ReadonlyArray<Uint8Array>
  /** The seq of the first message; the others follow. */
  readonly firstSeq: number
}

/**
 * The author's side of one channel.
 *
 * @since 0.1.0
 * @category models
 */
export class ChannelWriter {
  readonly #options: ChannelWriterOptions
  /** The largest plaintext of an envelope, in bytes. */
  readonly room: number
  #next = 1
  #isEnded = false

  constructor(options: ChannelWriterOptions) {
    this.#options = options
    const overhead = options.mode.group ? Envelope.GROUP_OVERHEAD_BYTES : Envelope.SIGNED_OVERHEAD_BYTES
    this.room = options.maxContentBytes - overhead
    if (this.room < 1) throw new RangeError(`maxContentBytes: ${options.maxContentBytes}; must be over ${overhead}`)
  }

  /** The seq of the next message. */
  get nextSeq(): number {
    return this.#next
  }

  /**
   * The envelopes of these messages, in order. `acknowledge`: the author asks for acknowledgements of them. `extension`: goes before the
   * message, of which there must be one only. Throws a RangeError for a message over 16 MiB.
   */
  write(messages: ReadonlyArray<Uint8Array>, acknowledge = false, extension?: Uint8Array): Written {
    if (this.#isEnded) throw new Error("the channel was ended")
    for (const { length } of messages) {
      if (length > Envelope.MAX_MESSAGE_BYTES) throw new RangeError(`message: ${length} bytes; at most 16 MiB`)
    }
    const firstSeq = this.#next
    const flags =
      (acknowledge ? Envelope.Flag.acknowledge : 0) | (extension === undefined ? 0 : Envelope.Flag.extension)
    if (extension !== undefined) {
      if (messages.length !== 1) throw new RangeError(`messages: ${messages.length}; must be 1 with an extension`)
      return this.#writeAll([Plaintext.withExtension(extension, messages[0]!)], flags, firstSeq)
    }
    return this.#writeAll(messages, flags, firstSeq)
  }

  #writeAll(messages: ReadonlyArray<Uint8Array>, flags: number, firstSeq: number): Written {
    const envelopes: Array<Uint8Array> = []
    let at = 0
    while (at < messages.length) {
      const first = messages[at]!
      const end = this.#batchEnd(messages, at)
      if (end - at > 1) {
        const batch = messages.slice(at, end)
        const count = batch.length
        envelopes.push(
          this.#seal({ flags: flags | Envelope.Flag.batch, count, plaintext: Plaintext.batchPlaintext(batch) }),
        )
        this.#next += count
        at = end
        continue
      }
      if (first.length <= this.room) envelopes.push(this.#seal({ flags, plaintext: first }))
      else {
        const parts = Plaintext.splitParts(first, this.room)
        for (const [index, plaintext] of parts.entries()) {
          envelopes.push(this.#seal({ flags: flags | Envelope.Flag.part, index, count: parts.length, plaintext }))
        }
      }
      this.#next++
      at++
    }
    return { envelopes, firstSeq }
  }

  /** The last envelope of the session, or undefined if nothing was written. Nothing can be written after it. */
  end(): Uint8Array | undefined {
    if (this.#isEnded || this.#next === 1) return undefined
    this.#isEnded = true
    return this.#seal({ flags: Envelope.Flag.last, plaintext: new Uint8Array(0) })
  }

  /** The end of the batch that begins at `from`. */
  #batchEnd(messages: ReadonlyArray<Uint8Array>, from: number): number {
    let bytes = 0
    let end = from
    while (end < messages.length && end - from < 0xffff) {
      bytes += 2 + messages[end]!.length
      if (bytes > this.room) break
      end++
    }
    return end
  }

  #seal(input: Pick<Envelope.EnvelopeInput, "flags" | "index" | "count" | "plaintext">): Uint8Array {
    const { author, channel, crypto, gossipTopic, mode, session, window } = this.#options
    const keys = window.keys(window.speaking)
    if (keys === undefined) throw new Error(`no keys for the minute ${window.speaking}`)
    return Envelope.seal(crypto, { ...input, author, channel, gossipTopic, keys, mode, session, seq: this.#next })
  }
}
