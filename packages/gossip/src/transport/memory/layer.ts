/** The transport of gossip over an endpoint of a network in memory. */
import { type EndpointId, Identity } from "@topic-tracker/crypto"
import { Effect, Layer, PubSub, Stream, SubscriptionRef } from "effect"
import { emptyAddress } from "../../AddressLookup.ts"
import { GossipError } from "../../model.ts"
import { GOSSIP_ALPN, GossipTransport } from "../Transport.ts"
import { noTransportStats } from "../TransportStats.ts"
import type { MemoryEndpoint, MemoryNetwork } from "./MemoryNetwork.ts"

/**
 * Adds the endpoint of the current Identity to the network while it listens. It is a defect if the network has an endpoint with that
 * id. Addresses that peers send are remembered but not needed: the network dials by id.
 *
 * @since 0.1.0
 * @category layers
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
      const dialledForGossip = new Set<string>()
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
        listen: (handler, { alpn = GOSSIP_ALPN } = {}) =>
          Effect.acquireRelease(
            Effect.suspend(() => {
              endpoint ??= network.attach(endpointId)
              if (endpoint === undefined) {
                const message = `endpointId: ${endpointId} is in this network already`
                return Effect.die(new GossipError({ reason: "Bind", message }))
              }
              if (endpoint.handlers.has(alpn)) return Effect.die(new Error(`alpn: ${alpn} has a handler already`))
              endpoint.handlers.set(alpn, {
                connected: (connection, isDialled) => {
                  if (isDialled) dialledForGossip.delete(dialOf(connection.remoteId, alpn))
                  handler.connected(connection, isDialled)
                },
                dialFailed: (peer, reason) => {
                  dialledForGossip.delete(dialOf(peer, alpn))
                  handler.dialFailed(peer, reason)
                },
              })
              return Effect.succeed(endpoint)
            }),
            (attached) =>
              Effect.sync(() => {
                attached.handlers.delete(alpn)
                for (const connection of [...attached.connections]) if (connection.alpn === alpn) connection.close()
                if (attached.handlers.size > 0) return
                network.detach(attached)
                endpoint = undefined
              }),
          ).pipe(Effect.asVoid),
        dial: (peer, { alpn = GOSSIP_ALPN, origin } = {}) => {
          if (endpoint?.handlers.has(alpn) !== true || dialledForGossip.has(dialOf(peer, alpn))) return
          if (origin === "gossip") dialledForGossip.add(dialOf(peer, alpn))
          network.dial(endpoint, peer, alpn)
        },
        learnAddress: (peer, address) => network.rememberAddress(endpointId, peer, address),
        address: SubscriptionRef.get(address),
        addressChanges: SubscriptionRef.changes(address),
        networkChanges: Stream.fromPubSub(changes),
        stats: () => noTransportStats,
      })
    }),
  )

const dialOf = (peer: EndpointId.EndpointId, alpn: string): string => `${peer} ${alpn}`
