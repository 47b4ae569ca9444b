/** `resolve`: prints the addresses of an endpoint id from the DHT. */
import { DhtAddressLookup } from "@topic-tracker/core"
import { EndpointId } from "@topic-tracker/crypto"
import { AddressLookup } from "@topic-tracker/gossip"
import { Effect, Layer, Stream } from "effect"
import type { Args } from "./args.ts"
import { dhtClientLayer, identityLayer } from "./layers.ts"
import { emit } from "./stdio.ts"

/** `--bootstrap --peer ID` */
export const resolve = (args: Args) =>
  Effect.gen(function* () {
    const lookup = yield* AddressLookup
    const peer = EndpointId.EndpointId.make(args.required("peer"))
    let count = 0
    yield* lookup.resolve(peer).pipe(
      Stream.runForEach(({ direct, relayUrl }) => {
        count++
        return emit({
          event: "addresses",
          addresses: [...direct].sort(),
          relays: relayUrl === undefined ? [] : [relayUrl],
        })
      }),
    )
    yield* emit({ event: "done", count })
  }).pipe(
    Effect.provide(
      DhtAddressLookup.layer().pipe(Layer.provide(identityLayer(args)), Layer.provideMerge(dhtClientLayer(args))),
    ),
  )
