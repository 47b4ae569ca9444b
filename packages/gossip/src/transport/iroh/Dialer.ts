/**
 * Dials peers by key: gathers where they may be from what peers told, from the address look-up and from the endpoint's own
 * memory, all at once, and hands each answer to the {@link Dial} as it comes.
 */
import type * as Iroh from "@number0/iroh"
import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, type Fiber, Stream } from "effect"
import type { AddressLookup, EndpointAddress } from "../../AddressLookup.ts"
import * as Addresses from "./addresses.ts"
import type { Binding } from "./binding.ts"
import type { BindingBytesCodec } from "./bytes.ts"
import { Dial } from "./Dial.ts"
import { LearnedAddresses } from "./LearnedAddresses.ts"

/**
 * Dials at a time; what comes beyond fails at once. A peer can name any number of others to us in ForwardJoin and Shuffle, and each
 * dial may cost a search of the DHT.
 */
const maxDials = 1_024

export interface DialerOptions {
  readonly binding: Binding
  readonly codec: BindingBytesCodec
  /** Dials wait for it. Rejects when it cannot be bound. */
  readonly endpoint: Promise<Iroh.Endpoint>
  readonly lookup: AddressLookup["Service"]
  readonly timers: Timers
  readonly alpn: string
  readonly timeoutMs: number
  /** Whether the endpoint finds peers by itself, without an address. */
  readonly canDiscover: boolean
  /** Runs what takes time, until the dialer's owner ends. */
  readonly fork: <E>(effect: Effect.Effect<void, E>) => Fiber.Fiber<void, E>
  readonly connected: (connection: Iroh.Connection) => void
  readonly failed: (peer: EndpointId.EndpointId, reason: string) => void
}

export class Dialer {
  private readonly options: DialerOptions
  private readonly alpn: Array<number>
  private readonly learned = new LearnedAddresses()
  private readonly dials = new Map<EndpointId.EndpointId, Dial>()

  constructor(options: DialerOptions) {
    this.options = options
    this.alpn = options.codec.toBinding(new TextEncoder().encode(options.alpn))
  }

  /** Dials the peer, unless that is under way. */
  dial(peer: EndpointId.EndpointId): void {
    if (this.dials.has(peer)) return
    const { canDiscover, connected, failed, fork, lookup, timeoutMs, timers } = this.options
    if (this.dials.size >= maxDials) {
      timers.soon(() => failed(peer, "too many dials at a time"))
      return
    }
    let resolving: Fiber.Fiber<void> | undefined
    const dial = new Dial({
      timers,
      timeoutMs,
      connect: (address) => this.connect(peer, address),
      connected,
      settled: (failure) => {
        this.dials.delete(peer)
        resolving?.interruptUnsafe()
        if (failure !== undefined) failed(peer, failure)
      },
    })
    this.dials.set(peer, dial)
    const told = this.learned.get(peer)
    if (told !== undefined) dial.add(told)
    else if (canDiscover) dial.tryWithoutAddress()
    const add = (address: EndpointAddress): Effect.Effect<void> => Effect.sync(() => dial.add(address))
    // A look-up that fails, or dies, has found what it found.
    const lookedUp = Stream.suspend(() => lookup.resolve(peer)).pipe(Stream.runForEach(add), Effect.exit)
    const remembered = Effect.flatMap(this.remembered(peer), (known) =>
      known === undefined ? Effect.void : add(known),
    )
    resolving = fork(
      Effect.all([lookedUp, remembered], { concurrency: 2, discard: true }).pipe(
        Effect.andThen(Effect.sync(() => dial.completed())),
      ),
    )
  }

  /** Takes note of what a peer told of another, or of itself. */
  learnAddress(peer: EndpointId.EndpointId, address: EndpointAddress): void {
    const { fork, lookup, timers } = this.options
    const news = this.learned.learn(peer, address, timers.now())
    if (news === undefined) return
    this.dials.get(peer)?.add(news)
    fork(lookup.learnAddress(peer, news))
  }

  /** Ends all dials without a word. */
  cancelAll(): void {
    for (const dial of this.dials.values()) dial.cancel()
    this.dials.clear()
  }

  private async connect(peer: EndpointId.EndpointId, address: EndpointAddress): Promise<Iroh.Connection> {
    const { binding } = this.options
    // What an address look-up found may be anything, and one address that is none would spoil the rest.
    const direct = address.direct.filter(Addresses.isAddress)
    const relay = address.relayUrl !== undefined && URL.canParse(address.relayUrl) ? address.relayUrl : null
    const id = binding.EndpointId.fromString(peer)
    const endpoint = await this.options.endpoint
    return endpoint.connect(new binding.EndpointAddr(id, relay, direct), this.alpn)
  }

  /** Where the endpoint itself has seen the peer: it remembers whom it was connected with. */
  private remembered(peer: EndpointId.EndpointId): Effect.Effect<EndpointAddress | undefined> {
    const { binding, endpoint } = this.options
    return Effect.tryPromise(async () => (await endpoint).remoteAddr(binding.EndpointId.fromString(peer))).pipe(
      Effect.map((known) =>
        known === null ? undefined : { relayUrl: known.relayUrl() ?? undefined, direct: known.directAddresses() },
      ),
      Effect.orElseSucceed(() => undefined),
    )
  }
}
