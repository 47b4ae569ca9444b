/**
 * AddressLookup over the DHT: publishes this node's addresses as iroh does (see `pkarr.ts`), reads those of others, and
 * joins with that what gossip taught of them. It dials nobody.
 */
import { EndpointId, Identity } from "@topic-tracker/crypto"
import { Dht, type DhtError, type MutableItem } from "@topic-tracker/dht"
import {
  AddressLookup,
  AddressLookupError,
  type EndpointAddress,
  isEmptyAddress,
  isRelayUrl,
} from "@topic-tracker/gossip"
import { Clock, Context, Duration, Effect, Layer, RcMap, type Scope, Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import { AddressBook } from "./AddressBook.ts"
import * as AddressPublisher from "./AddressPublisher.ts"
import * as Pkarr from "./pkarr.ts"
import * as SocketAddress from "./socketAddress.ts"

/** What of our addresses is published, and when. */
export interface DhtAddressLookupOptions {
  /** Publish loopback and private addresses too. Default false: on the public DHT they help nobody and tell of the network. */
  readonly publishPrivateAddresses?: boolean
  /** How often unchanged addresses are published again. Default 1 hour, as iroh has it; DHT nodes forget after about two. */
  readonly republishInterval?: Duration.Input
  /**
   * How long a DHT answer spares the next walk. Default 5 seconds: who has just begun may have said where it is before it knew its relay.
   * (iroh writes a TTL of 30 seconds.)
   */
  readonly cacheFor?: Duration.Input
  /** How long what gossip told is given out. Default 5 minutes. */
  readonly learnedFor?: Duration.Input
  /** How long one walk may take; then it ends with what it found. Default 10 seconds. */
  readonly walkTimeout?: Duration.Input
  /** The most peers whose addresses are remembered. Default 4096. */
  readonly capacity?: number
}

/** Counters since the layer was built. */
export interface AddressLookupStats {
  /** Walks of the DHT for a peer's addresses. */
  readonly walks: number
  /** Items under a peer's key that were no address packet and were dropped. */
  readonly packetsInvalid: number
  /** Times our own addresses were stored. */
  readonly published: number
  /** Times they could not be. */
  readonly publishFailures: number
  /** Peers remembered now. */
  readonly peers: number
}

/** Counters of the layer, for whoever watches it. */
export class AddressLookupMonitor extends Context.Service<
  AddressLookupMonitor,
  { readonly stats: Effect.Effect<AddressLookupStats> }
>()("@topic-tracker/core/AddressLookupMonitor") {}

/** The options as a topic's configuration has them. */
export const fromConfig = (config: TopicConfig): DhtAddressLookupOptions => ({
  publishPrivateAddresses: config.network.publishPrivateAddresses,
  republishInterval: config.network.addressRepublishInterval,
  walkTimeout: config.dht.getTimeout,
})

/** The service over the DHT; the fiber that keeps our addresses published ends with the layer. */
export const layer = (
  options: DhtAddressLookupOptions = {},
): Layer.Layer<AddressLookup | AddressLookupMonitor, never, Dht | Identity> => Layer.effectContext(make(options))

/** One walk shows at most so many items: one for each node that holds the key. */
const REPLAY = 32

/**
 * Who asks for a peer has mostly just read a record of it, and a peer that has just begun puts its addresses at about the
 * same time. So one that is not found is asked for again: first after this many ms, each time after twice as many, of a few nodes.
 */
const AGAIN_AFTER = 25
const AGAIN_TIMES = 5
const AGAIN_NODES = 4

/**
 * Where something is known, mostly that is where the peer is: the DHT is asked only when whoever asks has not stopped reading
 * after this many ms (RFC 8305, section 5, has as many from one attempt to the next).
 */
const WALK_AFTER = 250

const make = Effect.fnUntraced(function* (
  options: DhtAddressLookupOptions,
): Effect.fn.Return<Context.Context<AddressLookup | AddressLookupMonitor>, never, Dht | Identity | Scope.Scope> {
  const dht = yield* Dht
  const self = (yield* Identity).endpointId
  const stats = { walks: 0, packetsInvalid: 0, published: 0, publishFailures: 0 }
  const book = new AddressBook({
    learnedFor: Duration.toMillis(options.learnedFor ?? "5 minutes"),
    foundFor: Duration.toMillis(options.cacheFor ?? "5 seconds"),
    capacity: options.capacity ?? 4096,
  })
  const walkTimeout = options.walkTimeout ?? "10 seconds"

  /** The newest address that is known once this item is. */
  const read = (peer: EndpointId.EndpointId, item: MutableItem) =>
    Effect.map(Clock.currentTimeMillis, (now): ReadonlyArray<EndpointAddress> => {
      const info = Pkarr.decode(peer, item.value)
      if (info === undefined || item.seq < 0n) {
        stats.packetsInvalid++
        return []
      }
      return [book.find(peer, { relayUrl: info.relayUrl, direct: info.direct }, item.seq, now)]
    })

  /** What the DHT holds under the peer's key; `again` counts the walks before this one. */
  const items = (peer: EndpointId.EndpointId, again: number): Stream.Stream<MutableItem, DhtError> =>
    Stream.suspend(() => {
      stats.walks++
      let found = false
      // A peer's addresses may be what all topics of this process wait for, and ours what all of another do.
      const options = { priority: true, ...(again > 0 && { nodes: AGAIN_NODES }) }
      const walk = dht.get({ publicKey: EndpointId.bytes(peer) }, options).pipe(
        Stream.tap(() =>
          Effect.sync(() => {
            found = true
          }),
        ),
      )
      const next = Stream.suspend(() =>
        found || again === AGAIN_TIMES
          ? Stream.empty
          : Stream.unwrap(Effect.delay(Effect.succeed(items(peer, again + 1)), AGAIN_AFTER * 2 ** again)),
      )
      return Stream.concat(walk, next)
    })

  const walk = (peer: EndpointId.EndpointId): Stream.Stream<EndpointAddress, AddressLookupError> =>
    items(peer, 0).pipe(
      Stream.interruptWhen(Effect.sleep(walkTimeout)),
      Stream.mapEffect((item) => read(peer, item)),
      Stream.flattenIterable,
      Stream.mapError((error) => lookupError(peer, "the DHT could not be asked", error)),
    )

  // Whoever asks for a peer that is being asked for joins that walk, from its first answer on; it stops when all have left.
  const walks = yield* RcMap.make({
    lookup: (peer: EndpointId.EndpointId) => Stream.broadcast(walk(peer), { capacity: "unbounded", replay: REPLAY }),
  })

  const resolve = (peer: EndpointId.EndpointId): Stream.Stream<EndpointAddress, AddressLookupError> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const known = book.lookup(peer, now)
      const isWalking = yield* RcMap.has(walks, peer)
      const wait = isWalking || known.length === 0 ? Effect.void : Effect.sleep(WALK_AFTER)
      const isEnough = book.isFound(peer, now) && !isWalking
      const found = isEnough ? Stream.empty : Stream.unwrap(Effect.andThen(wait, RcMap.get(walks, peer)))
      return Stream.concat(Stream.fromIterable(known), found).pipe(Stream.filter(firstSeen()))
    }).pipe(Stream.unwrap)

  const publisher = yield* AddressPublisher.make({
    republishInterval: options.republishInterval ?? "1 hour",
    onResult: (stored) => {
      if (stored) stats.published++
      else stats.publishFailures++
    },
  })
  const publish = (own: EndpointAddress) => {
    const direct = own.direct.filter(
      (address) => options.publishPrivateAddresses === true || SocketAddress.reach(address) === "global",
    )
    return publisher
      .publish(Pkarr.encode(self, { relayUrl: own.relayUrl, direct }))
      .pipe(Effect.mapError((error) => lookupError(self, "our addresses could not be stored in the DHT", error)))
  }

  const learnAddress = (peer: EndpointId.EndpointId, address: EndpointAddress) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const direct = Pkarr.usable(address.direct)
      const relayUrl = address.relayUrl !== undefined && isRelayUrl(address.relayUrl) ? address.relayUrl : undefined
      const usable = { relayUrl, direct }
      if (peer !== self && !isEmptyAddress(usable)) book.learn(peer, usable, now)
    })

  return Context.make(AddressLookup, { resolve, publish, learnAddress }).pipe(
    Context.add(AddressLookupMonitor, { stats: Effect.sync(() => ({ ...stats, peers: book.size })) }),
  )
})

/** A predicate that holds once for each address. */
const firstSeen = () => {
  const seen = new Set<string>()
  return ({ relayUrl, direct }: EndpointAddress): boolean => {
    const key = JSON.stringify([relayUrl ?? null, [...direct].sort()])
    return seen.size < seen.add(key).size
  }
}

const lookupError = (endpointId: EndpointId.EndpointId, sentence: string, error: DhtError): AddressLookupError =>
  new AddressLookupError({ endpointId, message: `${sentence}: ${error.message}` })
