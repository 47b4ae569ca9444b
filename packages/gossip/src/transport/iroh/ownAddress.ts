/**
 * Our own addresses as they are published, and changes of them and of the network under us. The binding has watchers for
 * both, which cannot be used: in 1.1 they abort the process ("there is no reactor running"). So we look from time to time,
 * often at first, while the endpoint finds out about itself.
 */
import type * as Iroh from "@number0/iroh"
import { Deferred, Effect, PubSub, type Scope, Stream, SubscriptionRef } from "effect"
import { type EndpointAddress, emptyAddress } from "../../AddressLookup.ts"
import type { GossipError } from "../../model.ts"
import type { GossipTransport } from "../Transport.ts"
import * as Addresses from "./addresses.ts"
import { networkFingerprint } from "./networkFingerprint.ts"

/** Addresses that we publish at most: they travel in messages of limited size. */
const maxPublished = 16

/** The first look after the start, in milliseconds; from one to the next the time doubles until it is `pollMs`. */
const firstPollMs = 100

/**
 * How long after the start the relay is looked for every `firstPollMs`, in milliseconds: until others know it, nobody gets through to who is
 * behind a NAT.
 */
const relayAwaitedMs = 15_000

export interface OwnAddressOptions {
  /** Whether the endpoint uses relays, so that it will have one of its own. */
  readonly relayed: boolean
  readonly publishPrivate: boolean
  readonly pollMs: number
}

/** Looks from when the endpoint is bound until the scope closes. */
export const watch: (
  bound: Effect.Effect<Iroh.Endpoint, GossipError>,
  options: OwnAddressOptions,
) => Effect.Effect<
  Pick<GossipTransport["Service"], "address" | "addressChanges" | "networkChanges">,
  never,
  Scope.Scope
> = Effect.fnUntraced(function* (bound, { pollMs, publishPrivate, relayed }) {
  const look = (endpoint: Iroh.Endpoint): EndpointAddress => {
    const address = endpoint.addr()
    const direct = address.directAddresses().filter((each) => publishPrivate || Addresses.isPublic(each))
    return { relayUrl: address.relayUrl() ?? undefined, direct: direct.slice(0, maxPublished) }
  }
  const address = yield* SubscriptionRef.make(emptyAddress)
  const seen = Deferred.makeUnsafe<void>()
  const networkChanged = yield* PubSub.sliding<void>(1)
  yield* Effect.gen(function* () {
    const endpoint = yield* bound
    yield* SubscriptionRef.set(address, look(endpoint))
    yield* Deferred.succeed(seen, undefined)
    // Not before the first look: it takes a third of a millisecond, and a join waits for what begins now.
    let fingerprint: string | undefined
    let wait = Math.min(firstPollMs, pollMs)
    let looks = 0
    for (;;) {
      yield* Effect.sleep(wait)
      const next = look(endpoint)
      const awaitsRelay = relayed && next.relayUrl === undefined && ++looks * firstPollMs < relayAwaitedMs
      if (!awaitsRelay) wait = Math.min(2 * wait, pollMs)
      if (!Addresses.same(SubscriptionRef.getUnsafe(address), next)) yield* SubscriptionRef.set(address, next)
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
