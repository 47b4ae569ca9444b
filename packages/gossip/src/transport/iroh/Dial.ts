/**
 * One dial of a peer known by key: addresses come in one after the other, and each that is new may start another attempt
 * beside those under way, with all addresses known by then. An attempt that succeeds late gives a second connection, which
 * is handed on like the first: closing it would look to the peer as if we had left, for it may have taken it for the newer.
 */
import type * as Iroh from "@number0/iroh"
import type { Timer, Timers } from "@topic-tracker/common"
import type { EndpointAddress } from "../../AddressLookup.ts"
import { describe } from "./binding.ts"

/** From one attempt to the next while the first is under way, in milliseconds (RFC 8305, section 5: 250). */
const attemptDelayMs = 250

/**
 * With so many attempts under way the next one waits twice as long, and each further one twice as long again: whoever is told
 * wrong addresses first is dialled at the right one all the same, and a dial stays a handful of attempts.
 */
const manyAttempts = 3

export interface DialOptions {
  readonly timers: Timers
  readonly connect: (address: EndpointAddress) => Promise<Iroh.Connection>
  readonly timeoutMs: number
  readonly connected: (connection: Iroh.Connection) => void
  /** The dial is over, with or without a connection: no more addresses are needed. At most once. */
  readonly settled: (failure: string | undefined) => void
}

export class Dial {
  private readonly options: DialOptions
  private readonly direct = new Set<string>()
  private relayUrl: string | undefined
  private underWay = 0
  private untried = false
  private complete = false
  private isSettled = false
  private failure = "no address of it is known"
  private next: Timer | undefined
  private readonly timeout: Timer

  constructor(options: DialOptions) {
    this.options = options
    this.timeout = options.timers.schedule(options.timeoutMs, () =>
      this.settle(`no answer within ${options.timeoutMs} ms (${this.failure})`),
    )
  }

  /** Tries by what the endpoint itself knows or finds out. */
  tryWithoutAddress(): void {
    this.attempt()
  }

  /** The peer may be reached here too. */
  add(address: EndpointAddress): void {
    const before = this.direct.size
    for (const direct of address.direct) this.direct.add(direct)
    const isNew = this.direct.size > before || (address.relayUrl !== undefined && address.relayUrl !== this.relayUrl)
    this.relayUrl = address.relayUrl ?? this.relayUrl
    if (!isNew || this.isSettled) return
    this.untried = true
    if (this.underWay === 0) this.attempt()
    else this.next ??= this.options.timers.schedule(this.delayMs, () => this.attemptAgain())
  }

  /** No more addresses will come. */
  completed(): void {
    this.complete = true
    this.settleIfHopeless()
  }

  /** Ends it without a word. */
  cancel(): void {
    this.isSettled = true
    this.stopTimers()
  }

  private get delayMs(): number {
    return attemptDelayMs * 2 ** Math.max(0, this.underWay - manyAttempts + 1)
  }

  private attemptAgain(): void {
    this.next = undefined
    if (this.untried && !this.isSettled) this.attempt()
  }

  private attempt(): void {
    this.untried = false
    this.underWay++
    this.options.connect({ relayUrl: this.relayUrl, direct: [...this.direct] }).then(
      (connection) => {
        this.underWay--
        this.options.connected(connection)
        this.settle(undefined)
      },
      (error) => {
        this.underWay--
        this.failure = describe(error)
        if (this.untried && !this.isSettled) this.attempt()
        else this.settleIfHopeless()
      },
    )
  }

  private settleIfHopeless(): void {
    if (this.complete && this.underWay === 0) this.settle(this.failure)
  }

  private settle(failure: string | undefined): void {
    if (this.isSettled) return
    this.cancel()
    this.options.settled(failure)
  }

  private stopTimers(): void {
    this.options.timers.cancel(this.timeout)
    if (this.next !== undefined) this.options.timers.cancel(this.next)
  }
}
