/**
 * An iroh endpoint as the transport of gossip: bind, accept, dial, watch the addresses, close. The endpoint's secret key is
 * the Identity's, so that the key in a record is the key one dials.
 */
import type * as Iroh from "@number0/iroh"
import { Timers } from "@topic-tracker/common"
import { Identity } from "@topic-tracker/crypto"
import { Context, Effect, Fiber, Layer, Redacted, type Scope } from "effect"
import { AddressLookup } from "../../AddressLookup.ts"
import type { GossipError } from "../../model.ts"
import { GossipTransport, type TransportHandler } from "../Transport.ts"
import { gossipAlpn, type IrohOptions, type StartedEndpoint, startEndpoint, usesRelays } from "./bind.ts"
import { Dialer } from "./Dialer.ts"
import { IrohConnection } from "./IrohConnection.ts"
import * as OwnAddress from "./ownAddress.ts"
import { SilenceWatch } from "./SilenceWatch.ts"

export type { IrohOptions } from "./bind.ts"

/** Handshakes of incoming connections at a time, and connections in all; what comes beyond is refused. */
const maxHandshakes = 256
const maxConnections = 8_192

/** From a failure to accept to the next try, in milliseconds. */
const acceptRetryMs = 100

/** An endpoint that is being bound, or is, and accepts nobody yet. */
export class IrohEndpoint extends Context.Service<IrohEndpoint, StartedEndpoint>()(
  "@topic-tracker/gossip/IrohEndpoint",
) {}

/** Gossip's transport, with an endpoint of its own. Fails with Bind when that cannot be bound. */
export const layer = (options: IrohOptions = {}): Layer.Layer<GossipTransport, GossipError, Identity | AddressLookup> =>
  Layer.effectDiscard(Effect.flatMap(GossipTransport, ({ ready }) => ready)).pipe(
    Layer.provideMerge(layerOverEndpoint()),
    Layer.provide(layerEndpoint(options)),
  )

/**
 * The endpoint alone, closed with the scope. It is there before it is bound, so that other things are made, and done, meanwhile. Fails
 * with InvalidArgument, and with Bind when iroh's binding cannot be loaded.
 */
export const layerEndpoint = (options: IrohOptions = {}): Layer.Layer<IrohEndpoint, GossipError, Identity> =>
  Layer.effect(
    IrohEndpoint,
    Effect.flatMap(Identity, ({ signingKey }) => startEndpoint(options, Redacted.value(signingKey.seed))),
  )

/**
 * Gossip's transport over an endpoint of {@link layerEndpoint}, with the options of that. It is there before the endpoint is bound:
 * dials wait for that, and `ready` tells. A layer of its own at each call.
 */
export const layerOverEndpoint = (): Layer.Layer<GossipTransport, never, Identity | AddressLookup | IrohEndpoint> =>
  Layer.effect(GossipTransport, make())

const make = Effect.fnUntraced(function* (): Effect.fn.Return<
  GossipTransport["Service"],
  never,
  Identity | AddressLookup | IrohEndpoint | Scope.Scope
> {
  const { endpointId } = yield* Identity
  const timers = yield* Timers.make
  const { binding, bound, codec, isLoopback, options } = yield* IrohEndpoint
  const own = yield* OwnAddress.watch(bound, {
    relayed: usesRelays(options),
    publishPrivate: options.publishPrivateAddresses ?? isLoopback,
    pollMs: options.addressPollMs ?? 5_000,
  })
  const scope = yield* Effect.scope
  const run = Effect.runForkWith(yield* Effect.context())
  const endpoint = Effect.runPromise(bound)
  // Whoever waits for it hears that it cannot be bound.
  endpoint.catch(() => {})

  /** Every connection that is up. The binding closes one whose object nobody holds. */
  const connections = new Set<IrohConnection>()
  const silence = new SilenceWatch(options.silenceTimeoutMs ?? 15_000)
  let handler: TransportHandler | undefined
  let handshakes = 0

  const adopt = (connection: Iroh.Connection, dialled: boolean): void => {
    const adopted = new IrohConnection(connection, codec, (gone) => {
      connections.delete(gone)
      silence.remove(gone)
    })
    connections.add(adopted)
    silence.add(adopted)
    if (handler === undefined) adopted.close()
    else handler.connected(adopted, dialled)
  }

  const dialer = new Dialer({
    binding,
    codec,
    endpoint,
    lookup: yield* AddressLookup,
    timers,
    alpn: options.alpn ?? gossipAlpn,
    timeoutMs: options.dialTimeoutMs ?? 10_000,
    canDiscover: options.preset === "n0",
    fork: (effect) => Fiber.runIn(run(effect), scope),
    connected: (connection) => adopt(connection, true),
    failed: (peer, reason) => handler?.dialFailed(peer, reason),
  })

  const handshake = async (incoming: Iroh.Incoming): Promise<void> => {
    if (handler === undefined || handshakes >= maxHandshakes || connections.size >= maxConnections) {
      return incoming.refuse()
    }
    handshakes++
    try {
      const accepting = await incoming.accept()
      adopt(await accepting.connect(), false)
    } finally {
      handshakes--
    }
  }

  const accept = (endpoint: Iroh.Endpoint): void => {
    if (handler === undefined) return
    endpoint.acceptNext().then(
      (incoming) => {
        if (incoming === null) return
        // A handshake that fails is the peer's affair.
        handshake(incoming).catch(() => {})
        accept(endpoint)
      },
      () => {
        if (!endpoint.isClosed()) timers.schedule(acceptRetryMs, () => accept(endpoint))
      },
    )
  }

  return GossipTransport.of({
    endpointId,
    timers,
    defer: queueMicrotask,
    ready: Effect.asVoid(bound),
    listen: (to) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          handler = to
          endpoint.then(accept, () => {})
        }),
        () =>
          Effect.suspend(() => {
            handler = undefined
            dialer.cancelAll()
            const open = [...connections]
            for (const connection of open) connection.close()
            // Bounded by the time that each connection gives itself.
            return Effect.promise(() => Promise.all(open.map(({ closed }) => closed)))
          }),
      ),
    dial: (peer) => {
      if (handler !== undefined) dialer.dial(peer)
    },
    learnAddress: (peer, address) => dialer.learnAddress(peer, address),
    ...own,
  })
})
