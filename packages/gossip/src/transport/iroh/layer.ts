/**
 * An iroh endpoint as the transport of gossip: bind, accept, dial, watch the addresses, close. The endpoint's secret key is
 * the Identity's, so that the key in a record is the key one dials.
 */
import type * as Iroh from "@number0/iroh"
import { type EndpointId, Identity } from "@topic-tracker/crypto"
import { Effect, type Fiber, Layer, PubSub, Redacted, type Scope, Stream, SubscriptionRef } from "effect"
import { AddressLookup, type EndpointAddress } from "../../AddressLookup.ts"
import type { GossipError } from "../../GossipError.ts"
import { Timers } from "../Timers.ts"
import { GossipTransport, type TransportHandler } from "../Transport.ts"
import * as Addresses from "./addresses.ts"
import { bindEndpoint, type IrohOptions } from "./bind.ts"
import { Dial } from "./Dial.ts"
import { IrohConnection } from "./IrohConnection.ts"
import { LearnedAddresses, same } from "./LearnedAddresses.ts"
import { networkFingerprint } from "./networkFingerprint.ts"

export type { IrohOptions } from "./bind.ts"

/** Handshakes of incoming connections at a time, and connections in all; what comes beyond is refused. */
const maxHandshakes = 256
const maxConnections = 8_192

/** Addresses that we publish at most: they travel in messages of limited size. */
const maxPublished = 16

export const layer = (options: IrohOptions = {}): Layer.Layer<GossipTransport, GossipError, Identity | AddressLookup> =>
  Layer.effect(GossipTransport, make(options))

const make = Effect.fnUntraced(function* (
  options: IrohOptions,
): Effect.fn.Return<GossipTransport["Service"], GossipError, Identity | AddressLookup | Scope.Scope> {
  const { endpointId, signingKey } = yield* Identity
  const lookup = yield* AddressLookup
  const timers = yield* Timers.make
  const { binding, codec, endpoint, isLoopback } = yield* bindEndpoint(options, Redacted.value(signingKey.seed))
  const fork = Effect.runForkWith(yield* Effect.context())

  const publishPrivate = options.publishPrivateAddresses ?? isLoopback
  const ownAddress = (): EndpointAddress => {
    const address = endpoint.addr()
    const direct = address.directAddresses().filter((each) => publishPrivate || Addresses.isPublic(each))
    return { relayUrl: address.relayUrl() ?? undefined, direct: direct.slice(0, maxPublished) }
  }
  const address = yield* SubscriptionRef.make(ownAddress())
  const networkChanged = yield* PubSub.sliding<void>(1)

  const alpn = codec.toBinding(new TextEncoder().encode(options.alpn ?? gossipAlpn))
  const learned = new LearnedAddresses()
  const connections = new Set<IrohConnection>()
  const dials = new Map<EndpointId.EndpointId, Dial>()
  let handler: TransportHandler | undefined

  const adopt = (connection: Iroh.Connection, dialled: boolean): void => {
    const adopted = new IrohConnection(connection, codec, (gone) => connections.delete(gone))
    connections.add(adopted)
    if (handler === undefined) adopted.close()
    else handler.connected(adopted, dialled)
  }

  const dial = (peer: EndpointId.EndpointId): void => {
    if (dials.has(peer) || handler === undefined) return
    const started = new Dial({
      timers,
      timeoutMs: options.dialTimeoutMs ?? 10_000,
      connect: async ({ direct, relayUrl }) => {
        // What an address look-up found may be anything, and one address that is none would spoil the rest.
        const usable = direct.filter((each) => Addresses.parse(each) !== undefined)
        const relay = relayUrl !== undefined && URL.canParse(relayUrl) ? relayUrl : null
        return endpoint.connect(new binding.EndpointAddr(binding.EndpointId.fromString(peer), relay, usable), alpn)
      },
      connected: (connection) => adopt(connection, true),
      settled: (failure) => {
        dials.delete(peer)
        resolving?.interruptUnsafe()
        if (failure !== undefined) handler?.dialFailed(peer, failure)
      },
    })
    let resolving: Fiber.Fiber<void> | undefined
    dials.set(peer, started)
    const told = learned.get(peer)
    if (told !== undefined) started.add(told)
    // The n0 preset looks peers up by itself.
    else if (options.preset === "n0") started.tryWithoutAddress()
    const found = (address: EndpointAddress): Effect.Effect<void> => Effect.sync(() => started.add(address))
    const lookedUp = Stream.suspend(() => lookup.resolve(peer)).pipe(Stream.runForEach(found), Effect.exit)
    const remembered = Effect.flatMap(knownToEndpoint(peer), (known) =>
      known === undefined ? Effect.void : found(known),
    )
    resolving = fork(
      Effect.all([lookedUp, remembered], { concurrency: 2, discard: true }).pipe(
        Effect.andThen(Effect.sync(() => started.completed())),
      ),
    )
  }

  /** Where the endpoint itself has seen the peer: it remembers whom it was connected with. */
  const knownToEndpoint = (peer: EndpointId.EndpointId): Effect.Effect<EndpointAddress | undefined> =>
    Effect.tryPromise(() => endpoint.remoteAddr(binding.EndpointId.fromString(peer))).pipe(
      Effect.map((known) =>
        known === null ? undefined : { relayUrl: known.relayUrl() ?? undefined, direct: known.directAddresses() },
      ),
      Effect.orElseSucceed(() => undefined),
    )

  let handshakes = 0
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
  const acceptLoop = async (): Promise<void> => {
    for (;;) {
      const incoming = await endpoint.acceptNext()
      if (incoming === null) return
      // A handshake that fails is the peer's affair.
      handshake(incoming).catch(() => {})
    }
  }

  const listen = (to: TransportHandler): Effect.Effect<void, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => {
        handler = to
        acceptLoop().catch(() => {})
      }),
      () =>
        Effect.suspend(() => {
          handler = undefined
          for (const started of dials.values()) started.cancel()
          dials.clear()
          const open = [...connections]
          for (const connection of open) connection.close()
          // Bounded by the time that each connection gives itself.
          return Effect.promise(() => Promise.all(open.map(({ closed }) => closed)))
        }),
    )

  // The binding's own watchers cannot be used: in 1.1 they abort the process ("there is no reactor running").
  const pollMs = options.addressPollMs ?? 5_000
  yield* Effect.gen(function* () {
    let interfaces = networkFingerprint()
    let wait = Math.min(100, pollMs)
    for (;;) {
      yield* Effect.sleep(wait)
      wait = Math.min(2 * wait, pollMs)
      const next = ownAddress()
      if (!same(SubscriptionRef.getUnsafe(address), next)) yield* SubscriptionRef.set(address, next)
      const current = networkFingerprint()
      if (current === interfaces) continue
      interfaces = current
      yield* PubSub.publish(networkChanged, undefined)
    }
  }).pipe(Effect.forkScoped)

  return GossipTransport.of({
    endpointId,
    timers,
    defer: queueMicrotask,
    listen,
    dial,
    learn: (peer, told) => {
      const news = learned.learn(peer, told, timers.now())
      if (news !== undefined) fork(lookup.learn(peer, news))
    },
    address: SubscriptionRef.get(address),
    addressChanges: SubscriptionRef.changes(address),
    networkChanges: Stream.fromPubSub(networkChanged),
  })
})

/** Application protocol of iroh-gossip 0.101 (`net.rs`, GOSSIP_ALPN). */
const gossipAlpn = "/iroh-gossip/1"
