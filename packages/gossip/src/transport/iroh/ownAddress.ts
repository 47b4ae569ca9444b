/**
 * Our own addresses as they are published, and changes of them and of the machine's network. The binding has watchers for both, but in
 * 1.1 they abort the process ("there is no reactor running"). So this module polls, often at first, while the endpoint discovers its
 * own addresses.
 */
import { networkInterfaces } from "node:os"
import { SocketAddress } from "@topic-tracker/common"
import { Deferred, Effect, PubSub, type Scope, Stream, SubscriptionRef } from "effect"
import { type EndpointAddress, emptyAddress, isSameAddress } from "../../AddressLookup.ts"
import type { GossipError } from "../../model.ts"
import type { GossipTransport } from "../Transport.ts"
import type { BoundEndpoint } from "./endpoint.ts"

/** The maximum number of published direct addresses: they are sent in messages of limited size. */
const MAX_PUBLISHED = 16

/** The time from the start to the first poll. From one poll to the next it doubles, up to `pollMs`. */
const FIRST_POLL_MS = 100

/**
 * For this time after the start the relay is polled every `FIRST_POLL_MS`: until other nodes know our relay, no node can reach us behind
 * a NAT.
 */
const RELAY_AWAITED_MS = 15_000

export interface OwnAddressOptions {
  /** Whether the endpoint uses relays, so that it will have a home relay. */
  readonly hasRelays: boolean
  /** Whether loopback, private and link-local addresses are published too. */
  readonly publishPrivate: boolean
  readonly pollMs: number
}

/** The published part of the endpoint's own address. */
export const publishedAddress = (own: EndpointAddress, publishPrivate: boolean): EndpointAddress => ({
  relayUrl: own.relayUrl,
  direct: own.direct
    .filter((each) => publishPrivate || SocketAddress.reachOfText(each) === "public")
    .slice(0, MAX_PUBLISHED),
})

/** Polls from the time when the endpoint is bound until the scope closes. */
export const watch: (
  bound: Effect.Effect<BoundEndpoint, GossipError>,
  options: OwnAddressOptions,
) => Effect.Effect<
  Pick<GossipTransport["Service"], "address" | "addressChanges" | "networkChanges">,
  never,
  Scope.Scope
> = Effect.fnUntraced(function* (bound, { hasRelays, pollMs, publishPrivate }) {
  const poll = (endpoint: BoundEndpoint): EndpointAddress => {
    const address = endpoint.native?.addr()
    if (address === undefined) return emptyAddress
    const own = { relayUrl: address.relayUrl() ?? undefined, direct: address.directAddresses() }
    return publishedAddress(own, publishPrivate)
  }
  const address = yield* SubscriptionRef.make(emptyAddress)
  const seen = Deferred.makeUnsafe<void>()
  const networkChanged = yield* PubSub.sliding<void>(1)
  yield* Effect.gen(function* () {
    const endpoint = yield* bound
    yield* SubscriptionRef.set(address, poll(endpoint))
    yield* Deferred.succeed(seen, undefined)
    // Read at the second poll, not now: it takes a third of a millisecond, and a join that waited for the address continues now.
    let fingerprint: string | undefined
    let wait = Math.min(FIRST_POLL_MS, pollMs)
    let polls = 0
    for (;;) {
      yield* Effect.sleep(wait)
      const next = poll(endpoint)
      const awaitsRelay = hasRelays && next.relayUrl === undefined && ++polls * FIRST_POLL_MS < RELAY_AWAITED_MS
      if (!awaitsRelay) wait = Math.min(2 * wait, pollMs)
      if (!isSameAddress(SubscriptionRef.getUnsafe(address), next)) yield* SubscriptionRef.set(address, next)
      const before = fingerprint
      fingerprint = networkFingerprint()
      if (before === undefined || fingerprint === before) continue
      yield* PubSub.publish(networkChanged, undefined)
    }
  }).pipe(
    // If the endpoint cannot be bound the address stays empty.
    Effect.catch(() => Deferred.succeed(seen, undefined)),
    Effect.forkScoped({ startImmediately: true }),
  )
  return {
    address: Effect.andThen(Deferred.await(seen), SubscriptionRef.get(address)),
    addressChanges: Stream.unwrap(Effect.as(Deferred.await(seen), SubscriptionRef.changes(address))),
    networkChanges: Stream.fromPubSub(networkChanged),
  }
})

/** A text that changes when a network interface comes, goes or gets another address. */
const networkFingerprint = (): string =>
  Object.entries(networkInterfaces())
    .flatMap(([name, addresses]) => (addresses ?? []).map(({ cidr }) => `${name} ${cidr}`))
    .sort()
    .join("\n")
