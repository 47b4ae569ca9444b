/**
 * A connection whose peer has proven membership, as the engine of its topic sees it: streams pass through, and it closes when the proof
 * ends. It opens or answers the doors that renew the proof.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { BiStream, Connection, ReceiveStream, SendStream, StreamLimits } from "../transport/Transport.ts"
import type { RepairStream } from "./RepairStream.ts"

/**
 * The side that dialled renews the proof after this time.
 *
 * @since 0.1.0
 * @category constants
 */
export const RENEW_MS = 60_000

/** What the router does for the connection. */
export interface MembersConnectionOptions {
  readonly connection: Connection
  readonly timers: Timers
  readonly isDialled: boolean
  /** The time for which a proof is valid, in ms. */
  readonly validMs: number
  /** The minute of the proof with which it begins. */
  readonly epoch: number
  /** Opens a door on a new stream; `proven` runs if the peer proves itself again, for this minute. */
  readonly renew: (proven: (epoch: number) => void) => void
  /** Answers a door on a stream that the peer opened; `proven` runs if it proves itself again, for this minute. */
  readonly answer: (stream: BiStream, proven: (epoch: number) => void) => void
  /** Runs before the connection closes because its proof is over. */
  readonly expired: () => void
  /** Runs once, when the connection is gone. */
  readonly closed: () => void
}

/**
 * A proven connection.
 *
 * @since 0.1.0
 */
export class MembersConnection implements Connection {
  readonly remoteId: EndpointId.EndpointId
  readonly alpn: string
  /** The repair messages of this connection, if both sides answer them. */
  repairs: RepairStream | undefined
  readonly #options: MembersConnectionOptions
  #listener: ((reason: string) => void) | undefined
  #expiry: Timer | undefined
  #renewal: Timer | undefined
  #provenEpoch = 0
  #isClosed = false

  constructor(options: MembersConnectionOptions) {
    this.#options = options
    this.remoteId = options.connection.remoteId
    this.alpn = options.connection.alpn
    options.connection.onClosed((reason) => this.#end(reason))
    this.prove(options.epoch)
    if (!options.isDialled) this.#acceptDoors()
  }

  /** The latest minute for which the peer has proven membership. */
  get provenEpoch(): number {
    return this.#provenEpoch
  }

  /** From which network the peer comes. */
  get remoteNetwork(): string | undefined {
    return this.#options.connection.remoteNetwork
  }

  /** The peer has proven membership now, for this minute. */
  prove(epoch: number): void {
    if (this.#isClosed) return
    const { isDialled, timers, validMs } = this.#options
    this.#provenEpoch = Math.max(this.#provenEpoch, epoch)
    if (this.#expiry !== undefined) timers.cancel(this.#expiry)
    this.#expiry = timers.schedule(validMs, () => this.#expire())
    if (isDialled) this.#renewIn(RENEW_MS)
  }

  /** Renews the proof now: the minute that we speak in jumped, or the secret changed. Only at the side that dialled. */
  renewNow(): void {
    if (this.#isClosed || !this.#options.isDialled) return
    // Again after a third of the time, unless the door opens.
    this.#renewIn(RENEW_MS / 3)
    this.#options.renew((epoch) => this.prove(epoch))
  }

  openStream(done: (stream: SendStream | undefined) => void): void {
    this.#options.connection.openStream(done)
  }

  acceptStream(done: (stream: ReceiveStream | undefined) => void): void {
    this.#options.connection.acceptStream(done)
  }

  openBi(done: (stream: BiStream | undefined) => void): void {
    this.#options.connection.openBi(done)
  }

  /** The two-way streams of this connection are doors: nobody else gets one. */
  acceptBi(done: (stream: BiStream | undefined) => void): void {
    done(undefined)
  }

  /** The doors need their own two-way streams. */
  limitStreams({ bi: _bi, ...limits }: StreamLimits): void {
    this.#options.connection.limitStreams(limits)
  }

  onClosed(listener: (reason: string) => void): void {
    this.#listener = listener
  }

  close(): void {
    this.repairs?.close()
    this.#options.connection.close()
    this.#end("closed")
  }

  #expire(): void {
    this.#options.expired()
    this.close()
  }

  #renewIn(ms: number): void {
    const { timers } = this.#options
    if (this.#renewal !== undefined) timers.cancel(this.#renewal)
    this.#renewal = timers.schedule(ms, () => this.renewNow())
  }

  #acceptDoors(): void {
    this.#options.connection.acceptBi((stream) => {
      if (stream === undefined || this.#isClosed) return
      this.#options.answer(stream, (epoch) => this.prove(epoch))
      this.#options.timers.runSoon(() => this.#acceptDoors())
    })
  }

  #end(reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { closed, timers } = this.#options
    if (this.#expiry !== undefined) timers.cancel(this.#expiry)
    if (this.#renewal !== undefined) timers.cancel(this.#renewal)
    closed()
    this.#listener?.(reason)
  }
}
