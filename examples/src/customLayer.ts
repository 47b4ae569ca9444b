/**
 * A tracker with a custom Dht layer. This one counts and prints all gets and puts. It could also be another network, a cache, or a
 * client of another process: any implementation of get and put.
 */
import { runCommand } from "@topic-tracker/cli-kit"
import { DhtAddressLookup, Topic, TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Crypto, Identity, SecretRotation } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Gossip } from "@topic-tracker/gossip"
import { Console, Effect, Layer, Stream } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags, secretOf } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

/** A Dht on top of another Dht. It passes on everything that it does not change. */
const printingDht = Layer.effect(
  Dht,
  Effect.gen(function* () {
    const dht = yield* Dht
    let gets = 0
    let puts = 0
    return Dht.of({
      ...dht,
      get: (key, options) =>
        Stream.suspend(() => {
          const number = ++gets
          let items = 0
          return dht.get(key, options).pipe(
            Stream.tap(() => Effect.sync(() => items++)),
            Stream.ensuring(Effect.suspend(() => Console.log(`get ${number}: ${items} items`))),
          )
        }),
      put: (request) =>
        Effect.tap(dht.put(request), ({ stored, asked }) =>
          Console.log(`put ${++puts}: ${request.value.length} bytes on ${stored} of ${asked} nodes`),
        ),
    })
  }),
)

/** The parts of `TopicTracker.layer`, with one part replaced. Every part can be replaced. */
const trackerLayer = (bootstrap: Meeting["bootstrap"]) =>
  Layer.unwrap(
    Effect.map(TopicConfig.make({ dht: { bootstrap } }), (config) => {
      // On a testnet all nodes are on this host, so loopback addresses are published.
      const isLocal = TopicConfig.isLoopbackOnly(config)
      const dht = printingDht.pipe(Layer.provide(Dht.layer(TopicConfig.dhtOptions(config))))
      const lookup = DhtAddressLookup.layer({ publishPrivateAddresses: isLocal })
      const gossip = Gossip.layerIroh(isLocal ? { preset: "minimal", bind: "127.0.0.1:0" } : { preset: "n0" })
      return TopicTracker.layerNoDeps({ config }).pipe(
        Layer.provide(gossip),
        Layer.provide(lookup),
        Layer.provide(dht),
        Layer.provide(Identity.layerRandom()),
        Layer.provide(SecretRotation.layer()),
        Layer.provide(Crypto.layer()),
      )
    }),
  )

const customLayer = Effect.fn("customLayer")(function* (meeting: Meeting) {
  yield* Console.log("waiting for the first peer…")
  yield* talk(yield* Topic.join({ topic: meeting.topic, secret: yield* secretOf(meeting) }))
}, Effect.scoped)

const command = Command.make("custom-layer", meetingFlags("custom-layer example"), (options) =>
  customLayer(options).pipe(Effect.provide(layerOn(options, trackerLayer))),
).pipe(
  Command.withDescription("Join a topic with a custom DHT layer that prints every get and put. Runs until Ctrl-C."),
)

runCommand(command, { whenInterrupted: 0 })
