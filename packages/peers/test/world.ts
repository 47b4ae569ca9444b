/**
 * Nodes for tests over both transports: the network in memory under TestClock, where a test decides when time passes, and iroh endpoints
 * on loopback in real time. Each node has gossip and the link of one topic; the tracker and its DHT are not needed for streams.
 */
import type { PeerLink } from "@topic-tracker/core"
import { Crypto, type EndpointId, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, Gossip, type GossipError } from "@topic-tracker/gossip"
import { layerMemory, MemoryNetwork, type MemoryNetworkOptions } from "@topic-tracker/gossip/testing"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Redacted, Scope } from "effect"
import { TestClock } from "effect/testing"
import { type PeerError, Peers, type PeersOptions, type PeersService } from "../src/index.ts"

export interface TestPeers extends PeersService {
  readonly link: PeerLink
  readonly gossip: Gossip["Service"]
  /** Ends the session of the topic, as leave and suspend do. */
  readonly leave: Effect.Effect<void>
  /** Ends the node. */
  readonly close: Effect.Effect<void>
}

export interface NodeOptions extends PeersOptions {
  /** The secret of a members-only topic. Default: the topic is open. */
  readonly secret?: string
  /** Default: the same for all nodes. */
  readonly topic?: string
  /** The rotation of a members-only topic. */
  readonly rotation?: SecretRotation["Service"]
}

export interface World {
  readonly node: (options?: NodeOptions) => Effect.Effect<TestPeers, PeerError | GossipError, Scope.Scope>
  /** A node that has gossip and no Peers; its id. */
  readonly bare: Effect.Effect<EndpointId.EndpointId, GossipError, Scope.Scope>
  /** Lets a little time pass. */
  readonly pass: Effect.Effect<unknown>
}

/** Runs a test in a world of its own. */
export type Runner = (name: string, test: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) => void

let seeds = 0

const freshIdentity = (): Layer.Layer<Identity | Crypto> => {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, ++seeds)
  return Identity.layerFromSeed(Redacted.make(seed)).pipe(Layer.provideMerge(Crypto.layerTest()))
}

const worldOf = (
  gossip: Layer.Layer<Gossip, GossipError, Identity>,
  known: (gossip: Gossip["Service"]) => Effect.Effect<void>,
  pass: Effect.Effect<unknown>,
): World => ({
  node: ({ rotation, secret, topic = "topic", ...options } = {}) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const close = Scope.close(scope, Exit.void)
      const services = yield* Layer.buildWithScope(Layer.provideMerge(gossip, freshIdentity()), scope)
      const service = Context.get(services, Gossip)
      yield* known(service)
      const id = TopicId.fromName(topic)
      const members =
        secret === undefined
          ? undefined
          : yield* service
              .openMembers({
                crypto: Context.get(services, Crypto),
                rotation: rotation ?? (yield* Effect.provide(SecretRotation, SecretRotation.layer())),
                author: Context.get(services, Identity).signingKey,
                topic: id,
                secretHash: initialSecretHash(Redacted.make(secret)),
              })
              .pipe(Scope.provide(scope))
      const ended = yield* Deferred.make<void>()
      const link: PeerLink = {
        endpointId: service.endpointId,
        connections: service.connections,
        gossipTopic: members?.door.gossipTopic ?? id.bytes,
        door: members?.door,
        notes: undefined,
        admits: () => Effect.succeed(true),
        onExcluded: (listener) => members?.onExcluded(listener) ?? (() => {}),
        showMembers: () => Effect.void,
        shownMembers: Effect.succeed(undefined),
        ended: Deferred.await(ended),
      }
      const peers = yield* Peers.make({ peerLink: Effect.succeed(link) }, options).pipe(Scope.provide(scope))
      return { ...peers, link, gossip: service, leave: Effect.asVoid(Deferred.succeed(ended, undefined)), close }
    }),
  bare: Effect.gen(function* () {
    const service = Context.get(yield* Layer.build(Layer.provideMerge(gossip, freshIdentity())), Gossip)
    yield* known(service)
    return service.endpointId
  }),
  pass,
})

export const makeMemoryWorld = (
  options: MemoryNetworkOptions = {},
): Effect.Effect<World & { readonly network: MemoryNetwork }, never, Scope.Scope> =>
  Effect.map(MemoryNetwork.make(options), (network) => ({
    ...worldOf(layerMemory(network), () => Effect.void, TestClock.adjust(10)),
    network,
  }))

export const makeIrohWorld = (): Effect.Effect<World> => {
  const book = new Map<EndpointId.EndpointId, EndpointAddress>()
  return Effect.succeed(
    worldOf(
      Gossip.layerIroh({ bind: "127.0.0.1:0", addressPollInterval: 50 }).pipe(
        Layer.provide(AddressLookup.layerShared(book)),
      ),
      ({ address, endpointId }) => Effect.map(address, (own) => void book.set(endpointId, own)),
      Effect.sleep(5),
    ),
  )
}

/** Lets time pass until the condition holds. If it never does, the test fails with `what`. */
export const until = (world: World, what: string, condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < 2_000; i++) {
      if (condition()) return
      yield* world.pass
    }
    return yield* Effect.die(new Error(`waited without success: ${what}`))
  })

/** Lets time pass until the effect is done. */
export const inTime = <A, E, R>(world: World, what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* until(world, what, () => fiber.pollUnsafe() !== undefined)
    return yield* Fiber.join(fiber)
  })

export const admitAll = (): Effect.Effect<boolean> => Effect.succeed(true)
