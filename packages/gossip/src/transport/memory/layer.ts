/** The transport of gossip over an endpoint of a network in memory. */
import { type EndpointId, Identity } from "@topic-tracker/crypto"
import { Effect, Layer, PubSub, Stream, SubscriptionRef } from "effect"
import { emptyAddress } from "../../AddressLookup.ts"
import { GossipError } from "../../model.ts"
import { GossipTransport } from "../Transport.ts"
import { noTransportStats } from "../TransportStats.ts"
import type { MemoryEndpoint, MemoryNetwork } from "./MemoryNetwork.ts"

/**
 * Adds the endpoint of the current Identity to the network while it listens. It is a defect if the network has an endpoint with that
 * id. Addresses that peers send are remembered but not needed: the network dials by id.
 *
 * @since 0.1.0
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
      /** A second dial of one of these changes only its origin, which is of no importance here. */
      const dialledForGossip = new Set<EndpointId.EndpointId>()
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
              endpoint = network.attach(endpointId, {
                connected: (connection, isDialled) => {
                  if (isDialled) dialledForGossip.delete(connection.remoteId)
                  handler.connected(connection, isDialled)
                },
                dialFailed: (peer, reason) => {
                  dialledForGossip.delete(peer)
                  handler.dialFailed(peer, reason)
                },
              })
              if (endpoint !== undefined) return Effect.succeed(endpoint)
              const message = `endpointId: ${endpointId} is in this network already`
              return Effect.die(new GossipError({ reason: "Bind", message }))
            }),
            (attached) => Effect.sync(() => network.detach(attached)),
          ).pipe(Effect.asVoid),
        dial: (peer, options) => {
          if (endpoint === undefined || dialledForGossip.has(peer)) return
          if (options?.origin === "gossip") dialledForGossip.add(peer)
          network.dial(endpoint, peer)
        },
        learnAddress: (peer, address) => network.rememberAddress(endpointId, peer, address),
        address: SubscriptionRef.get(address),
        addressChanges: SubscriptionRef.changes(address),
        networkChanges: Stream.fromPubSub(changes),
        stats: () => noTransportStats,
      })
    }),
  )
