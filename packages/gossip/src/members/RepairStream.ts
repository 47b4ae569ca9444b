/** The repair messages of one connection: on the stream of its door, in both directions. */
import type { Timers } from "@topic-tracker/common"
import type { BiStream } from "../transport/Transport.ts"
import { encodeRepair, type RepairMessage, RepairReader } from "./repairMessages.ts"

/** Messages that wait for a slow peer. More are dropped: what is missing is asked for again. */
const MAX_QUEUED_BYTES = 1024 * 1024

/**
 * Sends and receives repair messages.
 *
 * @since 0.1.0
 */
export class RepairStream {
  readonly #stream: BiStream
  readonly #timers: Timers
  readonly #reader = new RepairReader()
  readonly #received: (message: RepairMessage) => void
  #queue: Array<Uint8Array> = []
  #queuedBytes = 0
  #isWriting = false
  #isClosed = false

  constructor(stream: BiStream, timers: Timers, received: (message: RepairMessage) => void) {
    this.#stream = stream
    this.#timers = timers
    this.#received = received
  }

  /** Begins to read. `first` are bytes that were read with the door's last message. */
  start(first: Uint8Array): void {
    this.#take(first)
    this.#read()
  }

  send(message: RepairMessage): void {
    if (this.#isClosed || this.#queuedBytes > MAX_QUEUED_BYTES) return
    const bytes = encodeRepair(message)
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#write()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#queue = []
    this.#stream.send.finish()
    this.#stream.receive.stop()
  }

  #write(): void {
    const bytes = this.#isWriting || this.#isClosed ? undefined : this.#queue.shift()
    if (bytes === undefined) return
    this.#isWriting = true
    this.#queuedBytes -= bytes.length
    this.#stream.send.write(bytes, (isAlive) => {
      this.#isWriting = false
      if (!isAlive) this.#isClosed = true
      else if (this.#queue.length > 0) this.#timers.runSoon(() => this.#write())
    })
  }

  #read(): void {
    if (this.#isClosed) return
    this.#stream.receive.read((bytes) => {
      if (bytes === undefined || this.#isClosed) return
      this.#take(bytes)
      if (this.#reader.isBroken) this.close()
      else this.#timers.runSoon(() => this.#read())
    })
  }

  #take(bytes: Uint8Array): void {
    for (const message of this.#reader.receive(bytes)) this.#received(message)
  }
}
