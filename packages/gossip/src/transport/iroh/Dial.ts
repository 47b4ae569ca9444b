/**
 * One dial: the attempts to connect to a peer at the addresses that become known meanwhile. It does not know where addresses come from.
 */
import type * as Iroh from "@number0/iroh"
import type { Timer, Timers } from "@topic-tracker/common"
import type { EndpointAddress } from "../../AddressLookup.ts"
import type { AddressSource } from "../Transport.ts"
import { causeOf } from "./endpoint.ts"

/** The time from one attempt to the next while the first is in progress (RFC 8305, section 5: 250 ms). */
const ATTEMPT_DELAY_MS = 250

/**
 * With this many attempts in progress the next one waits twice as long, and each further one twice as long again. So a wrong address
 * that is known first does not prevent the dial at the right one, and a dial remains a handful of attempts.
 */
const MANY_ATTEMPTS = 3

/** Direct addresses that one dial tries. */
const MAX_DIRECT = 32

/** The part of them that other peers may fill: the peer's own words always have room. */
const MAX_HEARSAY = 16

export interface DialSettings {
  readonly timers: Timers
  readonly connect: (address: EndpointAddress) => Promise<Iroh.Connection>
  /** The part of these direct addresses and relays that may be dialled now. */
  readonly admit: (addresses: ReadonlyArray<string>) => ReadonlyArray<string>
  readonly timeoutMs: number
  readonly connected: (connection: Iroh.Connection) => void
  /** The dial is over, with or without a connection, and needs no more addresses. Runs at most once. */
  readonly settled: (failure: string | undefined) => void
}

/**
 * One dial. Addresses come one after the other; each new one may start another attempt in parallel to those in progress, with all
 * addresses known by then, those of the peer itself first. An attempt that succeeds late gives a second connection, which is handed on
 * like the first: closing it would look to the peer as if we had left, because the peer may take it for the newer one.
 */
export class Dial {
  readonly #settings: DialSettings
  readonly #own = new Set<string>()
  readonly #hearsay = new Set<string>()
  #ownRelay: string | undefined
  #hearsayRelay: string | undefined
  #attempts = 0
  #hasUntried = false
  /** Searches for addresses in progress. */
  #searches = 0
  #isSettled = false
  #failure = "no address of it is known"
  #nextAttempt: Timer | undefined
  readonly #timeout: Timer

  constructor(settings: DialSettings) {
    this.#settings = settings
    this.#timeout = settings.timers.schedule(settings.timeoutMs, () =>
      this.#settle(`no answer within ${settings.timeoutMs} ms (${this.#failure})`),
    )
  }

  /** Starts an attempt that uses only what the endpoint itself knows or discovers. */
  tryWithoutAddress(): void {
    this.#connect(undefined, [])
  }

  /** Adds an address of the peer. */
  addAddress(address: EndpointAddress, source: AddressSource): void {
    let isNew = false
    for (const direct of address.direct) if (this.#addDirect(direct, source)) isNew = true
    if (address.relayUrl !== undefined && this.#addRelay(address.relayUrl, source)) isNew = true
    if (!isNew || this.#isSettled) return
    this.#hasUntried = true
    if (this.#attempts === 0) this.#attempt()
    else this.#attemptLater(ATTEMPT_DELAY_MS * 2 ** Math.max(0, this.#attempts - MANY_ATTEMPTS + 1))
  }

  /** A search for addresses of the peer begins. */
  searchBegan(): void {
    this.#searches++
  }

  /** A search for addresses is over. Without searches no more addresses will come. */
  searchEnded(): void {
    this.#searches--
    this.#failIfNothingIsLeft()
  }

  /** Ends the dial without a report. */
  cancel(): void {
    this.#isSettled = true
    this.#settings.timers.cancel(this.#timeout)
    if (this.#nextAttempt !== undefined) this.#settings.timers.cancel(this.#nextAttempt)
  }

  #addDirect(direct: string, source: AddressSource): boolean {
    if (this.#own.has(direct)) return false
    const isKnown = this.#hearsay.has(direct)
    if (source === "hearsay" && (isKnown || this.#hearsay.size >= MAX_HEARSAY)) return false
    if (!isKnown && this.#own.size + this.#hearsay.size >= MAX_DIRECT) return false
    if (isKnown) this.#hearsay.delete(direct)
    const known = source === "own" ? this.#own : this.#hearsay
    known.add(direct)
    return !isKnown
  }

  #addRelay(url: string, source: AddressSource): boolean {
    const before = this.#relayUrl
    if (source === "own") this.#ownRelay = url
    else this.#hearsayRelay = url
    return this.#relayUrl !== before
  }

  get #relayUrl(): string | undefined {
    return this.#ownRelay ?? this.#hearsayRelay
  }

  #attemptLater(delayMs: number): void {
    this.#nextAttempt ??= this.#settings.timers.schedule(delayMs, () => {
      this.#nextAttempt = undefined
      if (this.#hasUntried && !this.#isSettled) this.#attempt()
    })
  }

  #attempt(): void {
    const relayUrl = this.#relayUrl
    const direct = [...this.#own, ...this.#hearsay]
    const wanted = relayUrl === undefined ? direct : [relayUrl, ...direct]
    const admitted = new Set(this.#settings.admit(wanted))
    this.#hasUntried = admitted.size < wanted.length
    if (this.#hasUntried) this.#attemptLater(ATTEMPT_DELAY_MS)
    if (admitted.size === 0) return
    this.#connect(
      relayUrl !== undefined && admitted.has(relayUrl) ? relayUrl : undefined,
      direct.filter((address) => admitted.has(address)),
    )
  }

  #connect(relayUrl: string | undefined, direct: ReadonlyArray<string>): void {
    this.#attempts++
    this.#settings.connect({ relayUrl, direct }).then(
      (connection) => {
        this.#attempts--
        this.#settings.connected(connection)
        this.#settle(undefined)
      },
      (error) => {
        this.#attempts--
        this.#failure = causeOf(error)
        if (this.#hasUntried && !this.#isSettled) this.#attempt()
        else this.#failIfNothingIsLeft()
      },
    )
  }

  #failIfNothingIsLeft(): void {
    if (this.#searches === 0 && this.#attempts === 0 && !this.#hasUntried) this.#settle(this.#failure)
  }

  #settle(failure: string | undefined): void {
    if (this.#isSettled) return
    this.cancel()
    this.#settings.settled(failure)
  }
}
