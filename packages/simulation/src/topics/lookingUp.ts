/**
 * Who has a key does not have an address yet: a transport in memory that dials only whom the address look-up has found, or
 * peers have told of, or has connected with before, as a real one must.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, GossipTransport, type TransportHandler } from "@topic-tracker/gossip"
import { Effect, Layer, Stream } from "effect"

/** What everybody has for an address: that there is one is all that counts here. */
const somewhere: EndpointAddress = { relayUrl: undefined, direct: ["127.0.0.1:1"] }

export const lookingUp = <E, R>(
  transport: Layer.Layer<GossipTransport, E, R>,
): Layer.Layer<GossipTransport, E, R | AddressLookup> =>
  Layer.effect(
    GossipTransport,
    Effect.gen(function* () {
      const inner = yield* GossipTransport
      const lookup = yield* AddressLookup
      const run = Effect.runForkWith(yield* Effect.context())
      const known = new Set<EndpointId.EndpointId>()
      const lookingFor = new Set<EndpointId.EndpointId>()
      let handler: TransportHandler | undefined
      const lookFor = Effect.fnUntraced(function* (peer: EndpointId.EndpointId) {
        // A look-up that fails has found nothing.
        yield* Effect.ignore(Stream.runHead(Stream.tap(lookup.resolve(peer), () => Effect.sync(() => known.add(peer)))))
        lookingFor.delete(peer)
        if (known.has(peer)) inner.dial(peer)
        else handler?.dialFailed(peer, "no address of it is known")
      })
      return GossipTransport.of({
        ...inner,
        listen: (to) => {
          handler = to
          return inner.listen({
            connected: (connection, dialled) => {
              known.add(connection.remoteId)
              to.connected(connection, dialled)
            },
            dialFailed: (peer, reason) => to.dialFailed(peer, reason),
          })
        },
        dial: (peer) => {
          if (known.has(peer)) return inner.dial(peer)
          if (lookingFor.has(peer)) return
          lookingFor.add(peer)
          run(lookFor(peer))
        },
        learnAddress: (peer, address) => {
          known.add(peer)
          run(lookup.learnAddress(peer, address))
        },
        address: Effect.succeed(somewhere),
        addressChanges: Stream.concat(Stream.succeed(somewhere), Stream.never),
      })
    }),
  ).pipe(Layer.provide(transport))
