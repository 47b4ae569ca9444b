/**
 * Dials peers by key. It collects the peer's addresses from what peers sent, from the address lookup and from the endpoint's own
 * memory, all at once, lets only those through that the address policy allows, and gives each to the {@link Dial} as it comes. It does
 * not know what a connection is for.
 */
import type * as Iroh from "@number0/iroh"
import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Stream } from "effect"
import type { AddressLookup, DialOrigin, EndpointAddress } from "../../AddressLookup.ts"
import { AddressBudget } from "../address/AddressBudget.ts"
import type { AddressPolicy } from "../address/AddressPolicy.ts"
import { LearnedAddresses } from "../address/LearnedAddresses.ts"
import type { AddressSource, DialOptions } from "../Transport.ts"
import type { BindingBytesCodec } from "./bindingBytes.ts"
import { Dial } from "./Dial.ts"
import type { Binding, BoundEndpoint } from "./endpoint.ts"

/** Dials at a time; further ones fail at once. */
const MAX_DIALS = 1_024

/**
 * The part of them for peers that only a message of gossip has named. A peer can name any number of others in ForwardJoin and Shuffle;
 * the other places stay free for records, for the user and for lost neighbours.
 */
const MAX_GOSSIP_DIALS = 128

export interface DialerOptions {
  readonly binding: Binding
  readonly codec: BindingBytesCodec
  /** Dials wait for it. Rejects if the endpoint cannot be bound. */
  readonly endpoint: Promise<BoundEndpoint>
  readonly lookup: AddressLookup["Service"]
  readonly policy: AddressPolicy
  readonly timers: Timers
  /** The application protocol of dials that name none. */
  readonly alpn: string
  readonly timeoutMs: number
  /** Whether the endpoint finds peers by itself, without an address. */
  readonly canDiscover: boolean
  /** Runs an effect until the owner of the dialer ends. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly connected: (connection: Iroh.Connection, alpn: string) => void
  readonly failed: (peer: EndpointId.EndpointId, reason: string, alpn: string) => void
}

interface DialInProgress {
  readonly peer: EndpointId.EndpointId
  readonly dial: Dial
  origin: DialOrigin
  /** Fails or succeeds with the dial. */
  readonly settled: Effect.Effect<void, string>
}

export class Dialer {
  /** Dials that failed at once because too many were in progress. */
  refused = 0
  readonly #options: DialerOptions
  readonly #learned = new LearnedAddresses()
  readonly #budget = new AddressBudget()
  /** The dials in progress by application protocol. */
  readonly #dials = new Map<string, Map<EndpointId.EndpointId, DialInProgress>>()
  #dialCount = 0
  #gossipDials = 0

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /**
   * Dials the peer. Ends in `connected` or `failed`. While a dial of the peer is in progress, this can only change the dial's origin to
   * "wanted".
   */
  dial(peer: EndpointId.EndpointId, { alpn = this.#options.alpn, origin = "wanted" }: DialOptions = {}): void {
    const { canDiscover, failed, fork, timers } = this.#options
    const inProgress = this.#dials.get(alpn)?.get(peer)
    if (inProgress !== undefined) {
      if (origin === "wanted") this.#makeWanted(inProgress)
      return
    }
    if (this.#dialCount >= MAX_DIALS || (origin === "gossip" && this.#gossipDials >= MAX_GOSSIP_DIALS)) {
      this.refused++
      timers.runSoon(() => failed(peer, "too many dials at a time", alpn))
      return
    }
    const begun = this.#begin(peer, alpn, origin)
    let hasAddress = false
    for (const source of ["own", "hearsay"] as const) {
      const learned = this.#learned.get(peer, source)
      if (learned === undefined) continue
      hasAddress = true
      begun.dial.addAddress(learned, source)
    }
    if (!hasAddress && canDiscover) begun.dial.tryWithoutAddress()
    fork(
      this.#searchDuring(begun, this.#findAddresses(begun, hasAddress)).pipe(
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
   * Remembers an address of a peer for the next dial, and gives it to a dial in progress. The address lookup gets only what the peer
   * itself said. This is the only way in for addresses from gossip and from records.
   */
  learnAddress(peer: EndpointId.EndpointId, learned: EndpointAddress, source: AddressSource): void {
    const { fork, lookup, policy, timers } = this.#options
    const address = policy.usable(learned)
    if (!this.#learned.learn(peer, address, source, timers.now())) return
    for (const dials of this.#dials.values()) dials.get(peer)?.dial.addAddress(address, source)
    if (source === "own") fork(lookup.learnAddress(peer, address))
  }

  /** Ends all dials of an application protocol without a report. */
  cancelAll(alpn = this.#options.alpn): void {
    const dials = this.#dials.get(alpn)
    this.#dials.delete(alpn)
    for (const begun of dials?.values() ?? []) {
      begun.dial.cancel()
      this.#ended(begun)
    }
  }

  #begin(peer: EndpointId.EndpointId, alpn: string, origin: DialOrigin): DialInProgress {
    const { codec, connected, failed, timeoutMs, timers } = this.#options
    const alpnBytes = codec.toBinding(new TextEncoder().encode(alpn))
    let outcome: Effect.Effect<void, string> | undefined
    const waiting: Array<(outcome: Effect.Effect<void, string>) => void> = []
    const dial = new Dial({
      timers,
      timeoutMs,
      admit: (addresses) => this.#budget.admit(addresses, begun.origin === "gossip", timers.now()),
      connect: (address) => this.#connect(peer, address, alpnBytes),
      connected: (connection) => connected(connection, alpn),
      settled: (failure) => {
        const ofProtocol = this.#dials.get(alpn)
        ofProtocol?.delete(peer)
        if (ofProtocol?.size === 0) this.#dials.delete(alpn)
        this.#ended(begun)
        outcome = failure === undefined ? Effect.void : Effect.fail(failure)
        for (const resume of waiting) resume(outcome)
        if (failure !== undefined) failed(peer, failure, alpn)
      },
    })
    const settled = Effect.callback<void, string>((resume) => {
      if (outcome === undefined) waiting.push(resume)
      else resume(outcome)
    })
    const begun: DialInProgress = { peer, dial, origin, settled }
    const ofProtocol = this.#dials.get(alpn) ?? new Map<EndpointId.EndpointId, DialInProgress>()
    this.#dials.set(alpn, ofProtocol.set(peer, begun))
    this.#dialCount++
    if (origin === "gossip") this.#gossipDials++
    return begun
  }

  /** The dial takes no place any more. */
  #ended({ origin }: DialInProgress): void {
    this.#dialCount--
    if (origin === "gossip") this.#gossipDials--
  }

  /** The user or a record wants the peer too: the dial gives its place back to gossip and searches as for any wanted peer. */
  #makeWanted(begun: DialInProgress): void {
    if (begun.origin === "wanted") return
    begun.origin = "wanted"
    this.#gossipDials--
    this.#options.fork(Effect.ignore(this.#searchDuring(begun, this.#lookUp(begun, false))))
  }

  /** Runs the search until the dial is settled, and ends as the dial does. */
  #searchDuring({ dial, settled }: DialInProgress, search: Effect.Effect<void>): Effect.Effect<void, string> {
    dial.searchBegan()
    const searching = Effect.andThen(
      search,
      Effect.sync(() => dial.searchEnded()),
    )
    // The child fiber ends with its parent, that is when the dial is settled.
    return Effect.andThen(Effect.forkChild(searching, { startImmediately: true }), settled)
  }

  /** Gives the dial each address that is found. */
  #findAddresses(begun: DialInProgress, hasAddress: boolean): Effect.Effect<void> {
    const remembered = Effect.flatMap(this.#rememberedAddress(begun.peer), (known) =>
      // The endpoint remembers all addresses that it was ever given, so these are no better than hearsay.
      known === undefined ? Effect.void : this.#add(begun, known, "hearsay"),
    )
    return Effect.all([this.#lookUp(begun, hasAddress), remembered], { concurrency: 2, discard: true })
  }

  /** A lookup that fails or dies has found what it has found. The lookup gives only what the peer itself published or said. */
  #lookUp(begun: DialInProgress, hasAddress: boolean): Effect.Effect<void> {
    const { lookup } = this.#options
    return Stream.suspend(() => lookup.resolve(begun.peer, { origin: begun.origin, hasAddress })).pipe(
      Stream.runForEach((address) => this.#add(begun, address, "own")),
      Effect.exit,
      Effect.asVoid,
    )
  }

  #add({ dial }: DialInProgress, address: EndpointAddress, source: AddressSource): Effect.Effect<void> {
    return Effect.sync(() => dial.addAddress(this.#options.policy.usable(address), source))
  }

  async #connect(
    peer: EndpointId.EndpointId,
    { direct, relayUrl }: EndpointAddress,
    alpn: Array<number>,
  ): Promise<Iroh.Connection> {
    const { binding } = this.#options
    const id = binding.EndpointId.fromString(peer)
    const { native } = await this.#options.endpoint
    if (native === undefined) throw new Error("the endpoint is closed")
    return native.connect(new binding.EndpointAddr(id, relayUrl ?? null, [...direct]), alpn)
  }

  /** The addresses that the endpoint itself has of the peer, for example from an earlier connection. */
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
