/**
 * Records with custom content, without gossip: programs publish an offer in the DHT and read the offers of other programs. This needs
 * only the DHT, keys and a secret: one UDP socket, no connections.
 */
import { Flags, runCommand } from "@topic-tracker/cli-kit"
import { RecordPublisher } from "@topic-tracker/core"
import { Crypto, Identity, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Console, Effect, Layer, Random, Schedule, Schema, SchemaGetter, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, type Meeting, meetingFlags, secretOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const flags = {
  ...meetingFlags("record-publisher example"),
  offer: Flags.text("offer", 'The offer (default "tea")').pipe(Flag.withDefault("tea")),
  every: Flags.integer("every", "Seconds between two lookups (default 10)", 1, 60).pipe(Flag.withDefault(10)),
}

/** The content of our records. */
const Offer = Schema.Struct({ what: Schema.NonEmptyString, port: Schema.Int })

/** The content as bytes, here JSON in UTF-8. Any Schema that encodes to bytes works, for example one of `Postcard.toSchema`. */
const OfferBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(Schema.fromJsonString(Offer), {
    decode: SchemaGetter.transform((bytes: Uint8Array) => new TextDecoder().decode(bytes)),
    encode: SchemaGetter.transform((text: string) => new TextEncoder().encode(text)),
  }),
)

interface Options extends Meeting {
  readonly offer: string
  readonly every: number
}

const publishAndRead = Effect.fn("recordPublisher")(function* ({ offer, every, ...meeting }: Options) {
  const topic = TopicId.fromName(meeting.topic)
  const publisher = yield* RecordPublisher.make({ topic, secret: yield* secretOf(meeting), content: OfferBytes })
  yield* Console.log(`${short(publisher.endpointId)} offers ${offer}`)
  const known = new Set<string>()

  const round = Effect.gen(function* () {
    const minute = yield* publisher.unixMinute
    // Records arrive opened and verified; our own is left out. The minute before is read, too: clocks differ.
    const found = yield* Stream.mergeAll([publisher.records(minute - 1n), publisher.records(minute)], {
      concurrency: 2,
    }).pipe(
      Stream.tap(({ endpointId, content }) => {
        if (known.has(endpointId)) return Effect.void
        known.add(endpointId)
        return Console.log(`${short(endpointId)} offers ${JSON.stringify(content.what)} at port ${content.port}`)
      }),
      Stream.runCollect,
    )
    const record = yield* publisher.newRecord(minute, { what: offer, port: 8080 })
    // Publishes nothing if the slot has enough records of other nodes. `known` saves a second lookup.
    yield* publisher.publish(record, { known: found.filter(({ unixMinute }) => unixMinute === minute) })
  })

  yield* round.pipe(
    // After a failure of the network the next round tries again.
    Effect.catchTag("DhtError", (error) => Console.log(`the DHT: ${error.message}`)),
    // All nodes share one slot, and some DHT nodes keep only the last record. So every node publishes again, at random times.
    Effect.repeat(
      Schedule.spaced(`${every} seconds`).pipe(Schedule.addDelay(() => Random.nextBetween(0, every * 1000))),
    ),
  )
})

/** A publisher needs no TopicTracker, only these layers. */
const recordLayer = (bootstrap: Meeting["bootstrap"]) =>
  Layer.mergeAll(
    bootstrap.length === 0 ? Dht.layer() : Dht.layer({ bootstrap }),
    Identity.layerRandom(),
    SecretRotation.layer(),
  ).pipe(Layer.provideMerge(Crypto.layer()))

const command = Command.make("record-publisher", flags, (options) =>
  publishAndRead(options).pipe(Effect.provide(layerOn(options, recordLayer))),
).pipe(
  Command.withDescription(
    "Publish an offer in the DHT and print the offers of other nodes, without gossip. Runs until Ctrl-C.",
  ),
)

runCommand(command, { whenInterrupted: 0 })
