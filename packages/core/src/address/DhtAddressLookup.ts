/**
 * AddressLookup over the DHT: publishes this node's addresses as iroh does (see `pkarr.ts`), reads those of other nodes, and combines
 * them with addresses learned from records and gossip. It dials no peer.
 */
import { SocketAddress } from "@topic-tracker/common"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import { EndpointId, Identity } from "@topic-tracker/crypto"
import { Dht, type DhtError, type MutableItem } from "@topic-tracker/dht"
import {
  AddressLookup,
  AddressLookupError,
  type DialOrigin,
  type EndpointAddress,
  isEmptyAddress,
  isRelayUrl,
  type ResolveOptions,
} from "@topic-tracker/gossip"
import { Clock, Duration, Effect, Layer, RcMap, type Scope, Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import { counter, gauge, publishStats, type StatMetric } from "../metrics/publishStats.ts"
import { AddressBook } from "./AddressBook.ts"
import { makeAddressPublisher } from "./AddressPublisher.ts"
import * as Pkarr from "./pkarr.ts"

/**
 * Options: the addresses that are published, and the times of publications and lookups.
 *
 * @since 0.1.0
 * @category options
 */
export interface DhtAddressLookupOptions {
  /** Publish loopback, private and link-local addresses too. Default false: on the public DHT they are useless and reveal the network. */
  readonly publishPrivateAddresses?: boolean
  /** The interval at which unchanged addresses are published again. Default 1 hour, as in iroh; DHT nodes forget them after about two. */
  readonly republishInterval?: Duration.Input
  /**
   * The time for which an answer of the DHT is used without a new lookup. Default 5 seconds: a node that has just started may have
   * published before it knew its relay. (iroh writes a TTL of 30 seconds.)
   */
  readonly cacheFor?: Duration.Input
  /** The time for which addresses learned from records and gossip are used. Default 5 minutes. */
  readonly learnedFor?: Duration.Input
  /** The maximum time of one lookup. It then ends with the addresses found. Default 10 seconds. */
  readonly lookupTimeout?: Duration.Input
  /** The maximum number of peers whose addresses are remembered. Default 4096. */
  readonly capacity?: number
}

/**
 * Counters since the lookup was made.
 *
 * @since 0.1.0
 * @category models
 */
export interface AddressLookupStats {
  /** Lookups of a peer's addresses in the DHT. */
  readonly lookups: number
  /** Lookups that were not begun because messages of gossip had named too many peers. */
  readonly lookupsRefused: number
  /** Items under a peer's key that were dropped because they were no address packet. */
  readonly packetsInvalid: number
  /** Puts of our own addresses that were stored. */
  readonly published: number
  /** Puts of our own addresses that failed. */
  readonly publishFailures: number
  /** The number of peers that are remembered now. */
  readonly peers: number
}

const metrics: Readonly<Record<keyof AddressLookupStats, StatMetric>> = {
  lookups: counter("topic_tracker_address_lookups", "Lookups of a peer's addresses in the DHT"),
  lookupsRefused: counter(
    "topic_tracker_address_lookups_refused",
    "Lookups not begun because messages of gossip had named too many peers",
  ),
  packetsInvalid: counter("topic_tracker_address_packets_invalid", "Items dropped because they were no address packet"),
  published: counter("topic_tracker_address_published", "Puts of our own addresses that were stored"),
  publishFailures: counter("topic_tracker_address_publish_failures", "Puts of our own addresses that failed"),
  peers: gauge("topic_tracker_address_peers", "Peers whose addresses are remembered"),
}

/**
 * The options that follow from a topic's configuration.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromConfig = (config: TopicConfig): DhtAddressLookupOptions => ({
  publishPrivateAddresses: config.network.publishPrivateAddresses,
  republishInterval: config.network.addressRepublishInterval,
  lookupTimeout: config.dht.getTimeout,
})

/**
 * The service over the DHT client. Its counters are metrics `topic_tracker_address_…`. The fiber that publishes our addresses ends with the
 * layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: DhtAddressLookupOptions = {}): Layer.Layer<AddressLookup, never, Dht | Identity> =>
  Layer.effect(
    AddressLookup,
    Effect.gen(function* () {
      const { service, stats } = yield* make(options)
      yield* publishStats(metrics, stats)
      return service
    }),
  )

/** The maximum number of items that one lookup gives: one for each node that holds the key. */
const REPLAY = 32

/**
 * A node that asks for a peer has mostly just read a record of it, and a peer that has just started puts its addresses at about the same
 * time. So a peer that is not found is looked up again: first after this time, each time after twice as long, on a few nodes.
 */
const AGAIN_AFTER_MS = 25
const MAX_AGAIN = 5
const AGAIN_NODES = 4

/**
 * A known address is usually right. So the DHT is asked only if the reader has not stopped reading after this time. RFC 8305, section 5,
 * has the same delay from one connection attempt to the next.
 */
const LOOKUP_AFTER_MS = 250

/**
 * Lookups in the DHT for peers that only a message of gossip has named: so many in a second, after a first burst. A lookup takes some 40
 * packets, and one neighbour can name hundreds of peers a second. Peers that are named without need mostly come with an address.
 */
const GOSSIP_LOOKUPS_PER_SECOND = 4
const GOSSIP_LOOKUPS_BURST = 4

/**
 * An address lookup and its counters.
 *
 * @since 0.1.0
 * @category models
 */
export interface DhtAddressLookup {
  readonly service: AddressLookup["Service"]
  readonly stats: Effect.Effect<AddressLookupStats>
}

/**
 * As {@link layer}, without the metrics.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: DhtAddressLookupOptions = {},
): Effect.fn.Return<DhtAddressLookup, never, Dht | Identity | Scope.Scope> {
  const dht = yield* Dht
  const self = (yield* Identity).endpointId
  const stats = { lookups: 0, lookupsRefused: 0, packetsInvalid: 0, published: 0, publishFailures: 0 }
  const book = new AddressBook({
    learnedFor: Duration.toMillis(options.learnedFor ?? "5 minutes"),
    foundFor: Duration.toMillis(options.cacheFor ?? "5 seconds"),
    capacity: options.capacity ?? 4096,
  })
  const lookupTimeout = options.lookupTimeout ?? "10 seconds"

  /** The newest known address, this item included. */
  const read = (peer: EndpointId.EndpointId, item: MutableItem) =>
    Effect.map(Clock.currentTimeMillis, (now): ReadonlyArray<EndpointAddress> => {
      const info = Pkarr.decode(peer, item.value)
      if (info === undefined || item.seq < 0n) {
        stats.packetsInvalid++
        return []
      }
      return [book.addFound(peer, { relayUrl: info.relayUrl, direct: info.direct }, item.seq, now)]
    })

  /** The items under the peer's key. `again`: the number of lookups before this one. */
  const items = (
    peer: EndpointId.EndpointId,
    origin: DialOrigin,
    again: number,
  ): Stream.Stream<MutableItem, DhtError> =>
    Stream.suspend(() => {
      stats.lookups++
      let found = false
      // All topics of this process may wait for one peer's addresses. No topic waits for a peer that only gossip has named.
      const options = { priority: origin === "wanted", ...(again > 0 && { nodes: AGAIN_NODES }) }
      const lookup = dht.get({ publicKey: EndpointId.bytes(peer) }, options).pipe(
        Stream.tap(() =>
          Effect.sync(() => {
            found = true
          }),
        ),
      )
      const next = Stream.suspend(() =>
        found || again === MAX_AGAIN || origin === "gossip"
          ? Stream.empty
          : Stream.unwrap(Effect.delay(Effect.succeed(items(peer, origin, again + 1)), AGAIN_AFTER_MS * 2 ** again)),
      )
      return Stream.concat(lookup, next)
    })

  const lookupOnce = (
    peer: EndpointId.EndpointId,
    origin: DialOrigin,
  ): Stream.Stream<EndpointAddress, AddressLookupError> =>
    items(peer, origin, 0).pipe(
      Stream.interruptWhen(Effect.sleep(lookupTimeout)),
      Stream.mapEffect((item) => read(peer, item)),
      Stream.flattenIterable,
      Stream.mapError((error) => lookupError(peer, "the DHT could not be asked", error)),
    )

  // Readers of the same peer share one lookup, from its first answer on. It stops when all of them have stopped reading. A wanted
  // lookup does not share one that gossip caused, which has no priority.
  const sharedLookups = (origin: DialOrigin) =>
    RcMap.make({
      lookup: (peer: EndpointId.EndpointId) =>
        Stream.broadcast(lookupOnce(peer, origin), { capacity: "unbounded", replay: REPLAY }),
    })
  const lookups = { wanted: yield* sharedLookups("wanted"), gossip: yield* sharedLookups("gossip") }
  const gossipRate = new TokenBucket(GOSSIP_LOOKUPS_BURST, GOSSIP_LOOKUPS_PER_SECOND)

  const resolve = (
    peer: EndpointId.EndpointId,
    { hasAddress = false, origin = "wanted" }: ResolveOptions = {},
  ): Stream.Stream<EndpointAddress, AddressLookupError> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const known = book.addressesOf(peer, now)
      const isWanted = yield* RcMap.has(lookups.wanted, peer)
      const shared = isWanted ? lookups.wanted : lookups[origin]
      const isLookingUp = isWanted || (yield* RcMap.has(shared, peer))
      const wait = isLookingUp || (known.length === 0 && !hasAddress) ? Effect.void : Effect.sleep(LOOKUP_AFTER_MS)
      const isEnough = book.hasFreshAnswer(peer, now) && !isLookingUp
      const lookedUp = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        if (!isLookingUp && origin === "gossip" && !gossipRate.take(now)) {
          stats.lookupsRefused++
          return Stream.empty
        }
        return yield* RcMap.get(shared, peer)
      })
      const found = isEnough ? Stream.empty : Stream.unwrap(Effect.andThen(wait, lookedUp))
      return Stream.concat(Stream.fromIterable(known), found).pipe(Stream.filter(firstSeen()))
    }).pipe(Stream.unwrap)

  const publisher = yield* makeAddressPublisher({
    republishInterval: options.republishInterval ?? "1 hour",
    onResult: (stored) => {
      if (stored) stats.published++
      else stats.publishFailures++
    },
  })
  const publish = (own: EndpointAddress) => {
    const direct = own.direct.filter(
      (address) => options.publishPrivateAddresses === true || SocketAddress.reachOfText(address) === "public",
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
      if (peer !== self && !isEmptyAddress(usable)) book.addLearned(peer, usable, now)
    })

  return {
    service: { resolve, publish, learnAddress },
    stats: Effect.sync(() => ({ ...stats, peers: book.size })),
  }
})

/** A predicate that is true for the first occurrence of each address. */
const firstSeen = () => {
  const seen = new Set<string>()
  return ({ relayUrl, direct }: EndpointAddress): boolean => {
    const key = JSON.stringify([relayUrl ?? null, [...direct].sort()])
    return seen.size < seen.add(key).size
  }
}

const lookupError = (endpointId: EndpointId.EndpointId, sentence: string, error: DhtError): AddressLookupError =>
  new AddressLookupError({ endpointId, message: `${sentence}: ${error.message}` })
