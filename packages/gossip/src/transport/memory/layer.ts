/** An endpoint of a network in memory as the transport of gossip. */
import { Identity } from "@topic-tracker/crypto"
import { Effect, Layer, PubSub, Stream, SubscriptionRef } from "effect"
import { emptyAddress } from "../../AddressLookup.ts"
import { GossipError } from "../../model.ts"
import { GossipTransport } from "../Transport.ts"
import type { MemoryEndpoint, MemoryNetwork } from "./MemoryNetwork.ts"

/**
 * Puts the endpoint of the current Identity into the network while it listens. Fails with Bind when one with the same id
 * is there already. Addresses that peers tell of are not needed: the network knows everyone by id.
 */
export const layer = (network: MemoryNetwork): Layer.Layer<GossipTransport, never, Identity> =>
  Layer.effect(
    GossipTransport,
    Effect.gen(function* () {
      const { endpointId } = yield* Identity
      const address = yield* SubscriptionRef.make(emptyAddress)
      const changes = yield* PubSub.sliding<void>(1)
      const fork = Effect.runForkWith(yield* Effect.context())
      let endpoint: MemoryEndpoint | undefined
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          network.observe(endpointId, {
            addressChanged: (next) => fork(SubscriptionRef.set(address, next)),
            networkChanged: () => fork(PubSub.publish(changes, undefined)),
          }),
        ),
        () => Effect.sync(() => network.observe(endpointId, undefined)),
      )
      return GossipTransport.of({
        endpointId,
        timers: network.timers,
        defer: (flush) => flush(),
        ready: Effect.void,
        listen: (handler) =>
          Effect.acquireRelease(
            Effect.suspend(() => {
              endpoint = network.attach(endpointId, handler)
              if (endpoint !== undefined) return Effect.succeed(endpoint)
              const message = `endpointId: ${endpointId} is in this network already`
              return Effect.die(new GossipError({ reason: "Bind", message }))
            }),
            (attached) => Effect.sync(() => network.detach(attached)),
          ).pipe(Effect.asVoid),
        dial: (peer) => {
          if (endpoint !== undefined) network.dial(endpoint, peer)
        },
        learnAddress: (peer, address) => network.noteLearned(endpointId, peer, address),
        address: SubscriptionRef.get(address),
        addressChanges: SubscriptionRef.changes(address),
        networkChanges: Stream.fromPubSub(changes),
      })
    }),
  )
