/**
 * A transport in memory that needs addresses, as a real one does: a key alone is not an address. It dials a peer whose address
 * the address lookup has found, a peer whose address came with a message, and a peer it had a connection with before.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import {
  AddressLookup,
  type DialOptions,
  type EndpointAddress,
  GossipTransport,
  type TransportHandler,
} from "@topic-tracker/gossip"
import { Effect, Layer, Stream } from "effect"

/** The address of every node: only its existence matters here. */
const anyAddress: EndpointAddress = { relayUrl: undefined, direct: ["127.0.0.1:1"] }

export const transportWithLookup = <E, R>(
  transport: Layer.Layer<GossipTransport, E, R>,
): Layer.Layer<GossipTransport, E, R | AddressLookup> =>
  Layer.effect(
    GossipTransport,
    Effect.gen(function* () {
      const inner = yield* GossipTransport
      const lookup = yield* AddressLookup
      const run = Effect.runForkWith(yield* Effect.context())
      const known = new Set<EndpointId.EndpointId>()
      const lookups = new Set<EndpointId.EndpointId>()
      let handler: TransportHandler | undefined
      const lookUp = Effect.fnUntraced(function* (peer: EndpointId.EndpointId, options: DialOptions | undefined) {
        const found = lookup.resolve(peer, { origin: options?.origin ?? "wanted" })
        // A failed lookup is the same as one without a result.
        yield* Effect.ignore(Stream.runHead(Stream.tap(found, () => Effect.sync(() => known.add(peer)))))
        lookups.delete(peer)
        if (known.has(peer)) inner.dial(peer, options)
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
        dial: (peer, options) => {
          if (known.has(peer)) return inner.dial(peer, options)
          if (lookups.has(peer)) return
          lookups.add(peer)
          run(lookUp(peer, options))
        },
        learnAddress: (peer, address, source) => {
          known.add(peer)
          if (source === "own") run(lookup.learnAddress(peer, address))
        },
        address: Effect.succeed(anyAddress),
        addressChanges: Stream.concat(Stream.succeed(anyAddress), Stream.never),
      })
    }),
  ).pipe(Layer.provide(transport))
