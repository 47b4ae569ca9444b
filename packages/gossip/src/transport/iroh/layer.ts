/**
 * An iroh endpoint as the transport of gossip: it puts binding, accepting, dialling, monitoring and closing together. The endpoint's
 * secret key is the Identity's, so that the key in a record is the key that other nodes dial.
 */
import { networkInterfaces } from "node:os"
import type * as Iroh from "@number0/iroh"
import { Timers } from "@topic-tracker/common"
import { Identity } from "@topic-tracker/crypto"
import { Effect, Fiber, Layer, Redacted, type Scope } from "effect"
import { AddressLookup } from "../../AddressLookup.ts"
import type { GossipError } from "../../model.ts"
import { AddressPolicy } from "../address/AddressPolicy.ts"
import { GOSSIP_ALPN, GossipTransport, type TransportHandler } from "../Transport.ts"
import { hostOf, type Network } from "./Admission.ts"
import { acceptConnections } from "./acceptConnections.ts"
import { Dialer } from "./Dialer.ts"
import { type BoundEndpoint, IrohEndpoint, startEndpoint } from "./endpoint.ts"
import { IdleMonitor } from "./IdleMonitor.ts"
import { IrohConnection } from "./IrohConnection.ts"
import { type IrohOptions, usesRelays } from "./IrohOptions.ts"
import { OpenConnections } from "./OpenConnections.ts"
import * as OwnAddress from "./ownAddress.ts"
import { ReceiveBudget } from "./ReceiveBudget.ts"

export { IrohEndpoint } from "./endpoint.ts"
export type { IrohOptions } from "./IrohOptions.ts"

/**
 * Gossip's transport with an endpoint of its own. Fails with Bind if the endpoint cannot be bound, and with InvalidArgument.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: IrohOptions = {}): Layer.Layer<GossipTransport, GossipError, Identity | AddressLookup> =>
  Layer.effectDiscard(Effect.flatMap(GossipTransport, ({ ready }) => ready)).pipe(
    Layer.provideMerge(layerOverEndpoint()),
    Layer.provide(layerEndpoint(options)),
  )

/**
 * The endpoint alone, closed with the scope. The service exists before the endpoint is bound, so that other services can start
 * meanwhile. Fails with InvalidArgument, and with Bind if iroh's binding cannot be loaded.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEndpoint = (options: IrohOptions = {}): Layer.Layer<IrohEndpoint, GossipError, Identity> =>
  Layer.effect(
    IrohEndpoint,
    Effect.flatMap(Identity, ({ signingKey }) => startEndpoint(options, Redacted.value(signingKey.seed))),
  )

/**
 * Gossip's transport over an endpoint of {@link layerEndpoint}. The service exists before the endpoint is bound: dials wait for that,
 * and `ready` reports it. Each call makes a layer of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOverEndpoint = (): Layer.Layer<GossipTransport, never, Identity | AddressLookup | IrohEndpoint> =>
  Layer.effect(GossipTransport, makeTransport())

/** Processor time of this process, of all its threads, in ms. */
const processorMs = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1_000
}

const makeTransport = Effect.fnUntraced(function* (): Effect.fn.Return<
  GossipTransport["Service"],
  never,
  Identity | AddressLookup | IrohEndpoint | Scope.Scope
> {
  const { endpointId } = yield* Identity
  const timers = yield* Timers.make
  const { binding, bound, codec, isLoopback, options, times } = yield* IrohEndpoint
  const publishPrivate = options.publishPrivateAddresses ?? isLoopback
  const own = yield* OwnAddress.watch(bound, {
    hasRelays: usesRelays(options),
    publishPrivate,
    pollMs: times.addressPollMs,
  })
  const scope = yield* Effect.scope
  const run = Effect.runForkWith(yield* Effect.context())
  const endpoint = Effect.runPromise(bound)
  // A bind that fails is reported to all who wait for the endpoint.
  endpoint.catch(() => {})

  const gossipAlpn = options.alpn ?? GOSSIP_ALPN
  /** The handlers by application protocol. */
  const handlers = new Map<string, TransportHandler>()
  /** Every open connection. The binding closes a connection whose object is garbage-collected. */
  const connections = new OpenConnections<IrohConnection>(
    ({ alpn, remoteId }) => handlers.get(alpn)?.isNeeded?.(remoteId) ?? true,
  )
  const counters = { refusedHandshakes: 0, retriedHandshakes: 0 }
  const budget = new ReceiveBudget<IrohConnection>()
  const monitor = new IdleMonitor<IrohConnection>({
    timeoutMs: times.silenceTimeoutMs,
    onChecked: (connection, counts) => budget.measure(connection, counts, timers.now()),
  })

  /** `network`: where it came from; undefined if we dialled. */
  const addConnection = (connection: Iroh.Connection, network: Network | undefined): void => {
    const ended = (gone: IrohConnection): void => {
      connections.remove(gone)
      monitor.remove(gone)
      budget.remove(gone)
    }
    const adopted = new IrohConnection(connection, codec, ended, network && hostOf(network))
    const handler = handlers.get(adopted.alpn)
    if (network === undefined) connections.addDialled(adopted)
    else if (!connections.addAccepted(adopted, network)) {
      counters.refusedHandshakes++
      adopted.giveUp()
      return
    }
    monitor.add(adopted)
    if (handler === undefined) adopted.close()
    else handler.connected(adopted, network === undefined)
  }

  const policy = new AddressPolicy({
    isLoopback,
    allowPrivate: publishPrivate,
    relays: typeof options.relay === "object" ? options.relay : [],
    interfaces: networkInterfaces,
    now: () => timers.now(),
  })
  const dialer = new Dialer({
    binding,
    policy,
    codec,
    endpoint,
    lookup: yield* AddressLookup,
    timers,
    alpn: gossipAlpn,
    timeoutMs: times.dialTimeoutMs,
    canDiscover: options.preset === "n0",
    fork: (effect) => void Fiber.runIn(run(effect), scope),
    connected: (connection) => addConnection(connection, undefined),
    failed: (peer, reason, alpn) => handlers.get(alpn)?.dialFailed(peer, reason),
  })

  let isAccepting = false
  const accept = (bound: BoundEndpoint): void => {
    // Gossip's protocol is there from the start, so that an endpoint without others needs no call.
    const alpns = new Set([gossipAlpn, ...handlers.keys()])
    if (alpns.size > 1 || isAccepting) {
      bound.native?.setAlpns([...alpns].map((alpn) => codec.toBinding(new TextEncoder().encode(alpn))))
    }
    if (isAccepting || handlers.size === 0) return
    isAccepting = true
    acceptConnections(bound, {
      timers,
      isListening: () => handlers.size > 0,
      accepted: addConnection,
      refused: () => counters.refusedHandshakes++,
      retried: () => counters.retriedHandshakes++,
    })
  }

  return GossipTransport.of({
    endpointId,
    timers,
    processorMs,
    defer: queueMicrotask,
    ready: Effect.asVoid(bound),
    listen: (handler, { alpn = gossipAlpn } = {}) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          if (handlers.has(alpn)) return Effect.die(new Error(`alpn: ${alpn} has a handler already`))
          handlers.set(alpn, handler)
          endpoint.then(accept, () => {})
          return Effect.void
        }),
        () =>
          Effect.suspend(() => {
            handlers.delete(alpn)
            endpoint.then(accept, () => {})
            dialer.cancelAll(alpn)
            const open = [...connections.all].filter((connection) => connection.alpn === alpn)
            for (const connection of open) connection.close()
            // Each connection limits the time of its own close.
            return Effect.promise(() => Promise.all(open.map(({ closed }) => closed)))
          }),
      ),
    dial: (peer, dialOptions) => {
      if (handlers.has(dialOptions?.alpn ?? gossipAlpn)) dialer.dial(peer, dialOptions)
    },
    learnAddress: (peer, address, source) => dialer.learnAddress(peer, address, source),
    stats: () => ({
      addressesDropped: policy.dropped,
      dialsRefused: dialer.refused,
      overfullConnections: budget.exceeded,
      replacedConnections: connections.replaced,
      ...counters,
    }),
    paths: () => [...connections.all].flatMap(({ path }) => (path === undefined ? [] : [path])),
    ...own,
  })
})
