/**
 * Dials peers by key. It collects the peer's addresses from what peers sent, from the address lookup and from the endpoint's own
 * memory, all at once, and gives each answer to the {@link Dial} as it comes. It does not know what a connection is for.
 */
import type * as Iroh from "@number0/iroh"
import { BoundedMap, SocketAddress, type Timer, type Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Stream } from "effect"
import { type AddressLookup, type EndpointAddress, isEmptyAddress, isSameAddress } from "../../AddressLookup.ts"
import { type Binding, type BindingBytesCodec, type BoundEndpoint, causeOf } from "./endpoint.ts"

/**
 * Dials at a time; further ones fail at once. A peer can name any number of other peers in ForwardJoin and Shuffle, and each dial may
 * cost a lookup in the DHT.
 */
const MAX_DIALS = 1_024

/** Peers of which an address is remembered. */
const MAX_LEARNED_PEERS = 1_024

/** Direct addresses remembered of one peer. More are not worth dialling. */
const MAX_LEARNED_DIRECT = 16

/** After this time the same address counts as news again, so that the address lookup learns how fresh it is. */
const FRESH_MS = 60_000

/** The time from one attempt to the next while the first is in progress (RFC 8305, section 5: 250 ms). */
const ATTEMPT_DELAY_MS = 250

/**
 * With this many attempts in progress the next one waits twice as long, and each further one twice as long again. So a wrong address
 * that is known first does not prevent the dial at the right one, and a dial remains a handful of attempts.
 */
const MANY_ATTEMPTS = 3

export interface DialOptions {
  readonly timers: Timers
  readonly connect: (address: EndpointAddress) => Promise<Iroh.Connection>
  readonly timeoutMs: number
  readonly connected: (connection: Iroh.Connection) => void
  /** The dial is over, with or without a connection, and needs no more addresses. Runs at most once. */
  readonly settled: (failure: string | undefined) => void
}

/**
 * One dial. Addresses come one after the other; each new one may start another attempt in parallel to those in progress, with all
 * addresses known by then. An attempt that succeeds late gives a second connection, which is handed on like the first: closing it would
 * look to the peer as if we had left, because the peer may take it for the newer one.
 */
export class Dial {
  readonly #options: DialOptions
  readonly #direct = new Set<string>()
  #relayUrl: string | undefined
  #attempts = 0
  #hasUntried = false
  #isComplete = false
  #isSettled = false
  #failure = "no address of it is known"
  #nextAttempt: Timer | undefined
  readonly #timeout: Timer

  constructor(options: DialOptions) {
    this.#options = options
    this.#timeout = options.timers.schedule(options.timeoutMs, () =>
      this.#settle(`no answer within ${options.timeoutMs} ms (${this.#failure})`),
    )
  }

  /** Starts an attempt that uses only what the endpoint itself knows or discovers. */
  tryWithoutAddress(): void {
    this.#attempt()
  }

  /** Adds an address of the peer. */
  addAddress(address: EndpointAddress): void {
    const before = this.#direct.size
    for (const direct of address.direct) this.#direct.add(direct)
    const isNew = this.#direct.size > before || (address.relayUrl !== undefined && address.relayUrl !== this.#relayUrl)
    this.#relayUrl = address.relayUrl ?? this.#relayUrl
    if (!isNew || this.#isSettled) return
    this.#hasUntried = true
    if (this.#attempts === 0) this.#attempt()
    else {
      const delayMs = ATTEMPT_DELAY_MS * 2 ** Math.max(0, this.#attempts - MANY_ATTEMPTS + 1)
      this.#nextAttempt ??= this.#options.timers.schedule(delayMs, () => {
        this.#nextAttempt = undefined
        if (this.#hasUntried && !this.#isSettled) this.#attempt()
      })
    }
  }

  /** No more addresses will come. */
  complete(): void {
    this.#isComplete = true
    this.#failIfNothingIsLeft()
  }

  /** Ends the dial without a report. */
  cancel(): void {
    this.#isSettled = true
    this.#options.timers.cancel(this.#timeout)
    if (this.#nextAttempt !== undefined) this.#options.timers.cancel(this.#nextAttempt)
  }

  #attempt(): void {
    this.#hasUntried = false
    this.#attempts++
    this.#options.connect({ relayUrl: this.#relayUrl, direct: [...this.#direct] }).then(
      (connection) => {
        this.#attempts--
        this.#options.connected(connection)
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
    if (this.#isComplete && this.#attempts === 0) this.#settle(this.#failure)
  }

  #settle(failure: string | undefined): void {
    if (this.#isSettled) return
    this.cancel()
    this.#options.settled(failure)
  }
}

/** The latest addresses that other peers sent of peers, or that are in peers' own records. The oldest entry is dropped first. */
export class LearnedAddresses {
  readonly #known = new BoundedMap<
    EndpointId.EndpointId,
    { readonly address: EndpointAddress; readonly learnedAt: number }
  >(MAX_LEARNED_PEERS)

  /** Remembers the address at time `now` (ms). Returns it as remembered, or undefined if it is empty or no news. */
  learn(peer: EndpointId.EndpointId, learned: EndpointAddress, now: number): EndpointAddress | undefined {
    if (isEmptyAddress(learned)) return undefined
    const address = { relayUrl: learned.relayUrl, direct: learned.direct.slice(0, MAX_LEARNED_DIRECT) }
    const before = this.#known.get(peer)
    if (before !== undefined && now - before.learnedAt < FRESH_MS && isSameAddress(before.address, address)) {
      return undefined
    }
    this.#known.set(peer, { address, learnedAt: now })
    return address
  }

  get(peer: EndpointId.EndpointId): EndpointAddress | undefined {
    return this.#known.get(peer)?.address
  }
}

export interface DialerOptions {
  readonly binding: Binding
  readonly codec: BindingBytesCodec
  /** Dials wait for it. Rejects if the endpoint cannot be bound. */
  readonly endpoint: Promise<BoundEndpoint>
  readonly lookup: AddressLookup["Service"]
  readonly timers: Timers
  readonly alpn: string
  readonly timeoutMs: number
  /** Whether the endpoint finds peers by itself, without an address. */
  readonly canDiscover: boolean
  /** Runs an effect until the owner of the dialer ends. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly connected: (connection: Iroh.Connection) => void
  readonly failed: (peer: EndpointId.EndpointId, reason: string) => void
}

export class Dialer {
  readonly #options: DialerOptions
  readonly #alpn: Array<number>
  readonly #learned = new LearnedAddresses()
  readonly #dials = new Map<EndpointId.EndpointId, Dial>()

  constructor(options: DialerOptions) {
    this.#options = options
    this.#alpn = options.codec.toBinding(new TextEncoder().encode(options.alpn))
  }

  /** Dials the peer, unless a dial of it is in progress. Ends in `connected` or `failed`. */
  dial(peer: EndpointId.EndpointId): void {
    if (this.#dials.has(peer)) return
    const { canDiscover, connected, failed, fork, timeoutMs, timers } = this.#options
    if (this.#dials.size >= MAX_DIALS) {
      timers.runSoon(() => failed(peer, "too many dials at a time"))
      return
    }
    let outcome: Effect.Effect<void, string> | undefined
    let end = (_outcome: Effect.Effect<void, string>): void => {}
    const dial = new Dial({
      timers,
      timeoutMs,
      connect: (address) => this.#connect(peer, address),
      connected,
      settled: (failure) => {
        this.#dials.delete(peer)
        outcome = failure === undefined ? Effect.void : Effect.fail(failure)
        end(outcome)
        if (failure !== undefined) failed(peer, failure)
      },
    })
    this.#dials.set(peer, dial)
    const learned = this.#learned.get(peer)
    if (learned !== undefined) dial.addAddress(learned)
    else if (canDiscover) dial.tryWithoutAddress()
    const settled = Effect.callback<void, string>((resume) => {
      if (outcome === undefined) end = resume
      else resume(outcome)
    })
    fork(
      // The child fiber ends with its parent, that is when the dial is settled.
      Effect.forkChild(this.#findAddresses(peer, dial), { startImmediately: true }).pipe(
        Effect.andThen(settled),
        Effect.withSpan(
          "Gossip.dial",
          { kind: "client", attributes: { "gossip.peer.id": peer } },
          // A stack trace of this file is of no use.
          { captureStackTrace: false },
        ),
        Effect.ignore,
      ),
    )
  }

  /**
   * Remembers an address of a peer for the next dial, gives it to a dial in progress and to the address lookup. This is the only way in
   * for addresses from gossip and from records.
   */
  learnAddress(peer: EndpointId.EndpointId, address: EndpointAddress): void {
    const { fork, lookup, timers } = this.#options
    const news = this.#learned.learn(peer, address, timers.now())
    if (news === undefined) return
    this.#dials.get(peer)?.addAddress(news)
    fork(lookup.learnAddress(peer, news))
  }

  /** Ends all dials without a report. */
  cancelAll(): void {
    for (const dial of this.#dials.values()) dial.cancel()
    this.#dials.clear()
  }

  /** Gives the dial each address that is found. A lookup that fails or dies has found what it has found. */
  #findAddresses(peer: EndpointId.EndpointId, dial: Dial): Effect.Effect<void> {
    const { lookup } = this.#options
    const add = (address: EndpointAddress): Effect.Effect<void> => Effect.sync(() => dial.addAddress(address))
    const lookedUp = Stream.suspend(() => lookup.resolve(peer)).pipe(Stream.runForEach(add), Effect.exit)
    const remembered = Effect.flatMap(this.#rememberedAddress(peer), (known) =>
      known === undefined ? Effect.void : add(known),
    )
    return Effect.all([lookedUp, remembered], { concurrency: 2, discard: true }).pipe(
      Effect.andThen(Effect.sync(() => dial.complete())),
    )
  }

  async #connect(peer: EndpointId.EndpointId, address: EndpointAddress): Promise<Iroh.Connection> {
    const { binding } = this.#options
    // An address lookup may return any text, and one invalid address would make the binding refuse all of them.
    const direct = address.direct.filter((text) => SocketAddress.parse(text) !== undefined)
    const relay = address.relayUrl !== undefined && URL.canParse(address.relayUrl) ? address.relayUrl : null
    const id = binding.EndpointId.fromString(peer)
    const { native } = await this.#options.endpoint
    if (native === undefined) throw new Error("the endpoint is closed")
    return native.connect(new binding.EndpointAddr(id, relay, direct), this.#alpn)
  }

  /** The address at which the endpoint itself was connected with the peer before. */
  #rememberedAddress(peer: EndpointId.EndpointId): Effect.Effect<EndpointAddress | undefined> {
    const { binding, endpoint } = this.#options
    return Effect.tryPromise(async () => (await endpoint).native?.remoteAddr(binding.EndpointId.fromString(peer))).pipe(
      Effect.map((known) =>
        known == null ? undefined : { relayUrl: known.relayUrl() ?? undefined, direct: known.directAddresses() },
      ),
      Effect.orElseSucceed(() => undefined),
    )
  }
}
