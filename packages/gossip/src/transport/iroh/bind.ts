/** Binding an endpoint, and closing it. */
import { networkInterfaces } from "node:os"
import type * as Iroh from "@number0/iroh"
import { Deferred, Duration, Effect, Scope } from "effect"
import { isRelayUrl } from "../../AddressLookup.ts"
import { GossipError } from "../../model.ts"
import * as Addresses from "./addresses.ts"
import { type Binding, describe, load } from "./binding.ts"
import type { BindingBytesCodec } from "./bytes.ts"

/** Application protocol of iroh-gossip 0.101 (`net.rs`, GOSSIP_ALPN). */
export const gossipAlpn = "/iroh-gossip/1"

export interface IrohOptions {
  /**
   * "minimal" (default) contacts nobody but peers. "n0" also uses the relays and the address discovery of iroh's makers.
   */
  readonly preset?: "minimal" | "n0"
  /** "IP:port" or "[IPv6]:port"; port 0 for any. Default: all interfaces, any port. A loopback address binds only loopback. */
  readonly bind?: string
  /**
   * Through which relays peers are reached that cannot be reached directly: with true, the default, those of the preset ("minimal"
   * has none); with false none; else those at these URLs (http or https), in place of the preset's.
   */
  readonly relay?: boolean | ReadonlyArray<string>
  /** Application protocol. Default "/iroh-gossip/1". */
  readonly alpn?: string
  /** Whether loopback, private and link-local addresses of ours are told to others. Default: only when bound to loopback. */
  readonly publishPrivateAddresses?: boolean
  /** After how long without success a dial fails, in milliseconds. Default 10,000. */
  readonly dialTimeoutMs?: number
  /**
   * After how long without any packet from the peer a connection is given up, in milliseconds. Default 15,000: three heartbeats.
   * QUIC gives it up after 30,000 in any case.
   */
  readonly silenceTimeoutMs?: number
  /** How often our addresses are looked at for changes, in milliseconds. Default 5,000. */
  readonly addressPollMs?: number
}

/** Whether an endpoint with these options has relays to use. */
export const usesRelays = ({ preset, relay = true }: IrohOptions): boolean =>
  typeof relay === "object" ? relay.length > 0 : relay && preset === "n0"

/** An endpoint that is being bound, or is. */
export interface StartedEndpoint {
  readonly binding: Binding
  readonly codec: BindingBytesCodec
  /** With which it is bound. */
  readonly options: IrohOptions
  /** Bound to loopback only. */
  readonly isLoopback: boolean
  /** The endpoint once it is bound; fails with Bind when it cannot be. */
  readonly bound: Effect.Effect<Iroh.Endpoint, GossipError>
}

/**
 * How long closing the endpoint may hold up the end of the scope. By then all connections are closed; what would still be
 * waited for, some 3 s, are packets of dials that nobody answers.
 */
const closeTimeout = Duration.millis(300)

/**
 * Begins to bind an endpoint with this 32-byte secret key, and does not wait for it: the first of a process takes some 10 ms, the next 2
 * to 4. Closed with the scope, whose end waits for a binding under way. Fails with InvalidArgument, and with Bind when iroh's binding
 * cannot be loaded.
 */
export const startEndpoint = Effect.fnUntraced(function* (
  options: IrohOptions,
  seed: Uint8Array,
): Effect.fn.Return<StartedEndpoint, GossipError, Scope.Scope> {
  const { bind } = options
  if (bind !== undefined && !Addresses.isAddress(bind)) {
    const message = `bind: "${bind}" is no "IP:port" or "[IPv6]:port"`
    return yield* new GossipError({ reason: "InvalidArgument", message })
  }
  const relayUrls = typeof options.relay === "object" ? [...options.relay] : []
  const wrong = relayUrls.find((url) => !isRelayUrl(url))
  if (wrong !== undefined) {
    const message = `relay: "${wrong}" is no http or https URL`
    return yield* new GossipError({ reason: "InvalidArgument", message })
  }
  const { binding, codec } = yield* load
  const isLoopback = bind !== undefined && Addresses.isLoopback(bind)
  // Sockets of the family that is not named would be bound to all interfaces.
  const otherLoopback = !isLoopback ? undefined : bind.startsWith("[") ? "127.0.0.1" : "::1"

  const bindTo = (addresses: ReadonlyArray<string>): Effect.Effect<Iroh.Endpoint, GossipError> =>
    Effect.tryPromise({
      try: () => {
        const builder = binding.Endpoint.builder()
        if (options.preset !== "n0") binding.presetMinimal(builder)
        else if (options.relay === undefined || options.relay === true) binding.presetN0(builder)
        else binding.presetN0DisableRelay(builder)
        if (relayUrls.length > 0) builder.relayMode(binding.RelayMode.customFromUrls(relayUrls))
        builder.secretKey(codec.toBinding(seed))
        builder.alpns([codec.toBinding(new TextEncoder().encode(options.alpn ?? gossipAlpn))])
        for (const address of addresses) builder.bindAddr(address)
        return builder.bind()
      },
      catch: (error) => {
        const message = `cannot bind ${bind ?? "an endpoint"}: ${describe(error)}`
        return new GossipError({ reason: "Bind", message })
      },
    })

  const wanted = bind === undefined ? [] : [bind]
  // A machine without IPv6 has no ::1. Trying it all the same, and then without it, would find our own port still in use.
  const others = otherLoopback !== undefined && isOurs(otherLoopback) ? [socketAddress(otherLoopback)] : []
  const attempt = bindTo([...wanted, ...others])
  const bound = Deferred.makeUnsafe<Iroh.Endpoint, GossipError>()
  // A scope of its own, there from now on: what is acquired later in the outer one would be released before what uses it.
  const scope = yield* Scope.fork(yield* Effect.scope)
  yield* Effect.acquireRelease(attempt, (endpoint) =>
    Effect.promise(() => endpoint.close().catch(() => {})).pipe(Effect.timeoutOption(closeTimeout)),
  ).pipe(
    Scope.provide(scope),
    Deferred.into(bound),
    // What became of it is told also when the scope closes meanwhile.
    Effect.forkIn(scope, { startImmediately: true, uninterruptible: true }),
  )
  return { binding, codec, options, isLoopback, bound: Deferred.await(bound) }
})

/** Loopback addresses that this machine has: they stay, and to ask takes a third of a millisecond. */
const ourLoopback = new Set<string>()

const isOurs = (ip: string): boolean => {
  if (ourLoopback.has(ip)) return true
  const isHere = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === ip))
  if (isHere) ourLoopback.add(ip)
  return isHere
}

const socketAddress = (ip: string): string => (ip.includes(":") ? `[${ip}]:0` : `${ip}:0`)
