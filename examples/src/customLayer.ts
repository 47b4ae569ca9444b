/**
 * A Dht layer of one's own under the tracker: here one that counts and shows what passes through it. In its place could be
 * another network, a cache, or a client in another process: whatever can get and put.
 */
import { runCommand } from "@topic-tracker/cli-kit"
import { DhtAddressLookup, Topic, TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Crypto, Identity, SecretRotation } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Gossip } from "@topic-tracker/gossip"
import { Console, Effect, Layer, Stream } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

/** Takes one Dht and gives another: what it does not change is passed on. */
const shownDht = Layer.effect(
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

/** What `TopicTracker.layer` is made of, with one part replaced. Each part may be. */
const trackerLayer = (bootstrap: Meeting["bootstrap"]) =>
  Layer.unwrap(
    Effect.map(TopicConfig.make({ dht: { bootstrap } }), (config) => {
      // On a testnet nothing leaves this host, and its addresses are worth publishing.
      const isLocal = TopicConfig.isLoopbackOnly(config)
      const dht = shownDht.pipe(Layer.provide(Dht.layer(TopicConfig.dhtOptions(config))))
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

const customLayer = Effect.fn("customLayer")(function* ({ topic, secret }: Meeting) {
  yield* talk(yield* Topic.join({ topic, secret }))
}, Effect.scoped)

const command = Command.make("custom-layer", meetingFlags("custom-layer example"), (options) =>
  customLayer(options).pipe(Effect.provide(layerOn(options, trackerLayer))),
).pipe(Command.withDescription("Be in a topic over a DHT layer of our own, which shows every get and put."))

runCommand(command, { whenInterrupted: 0 })
