/**
 * Records with content of one's own, and no gossip: programs that offer something put a note of it into the topic's minute of
 * the DHT, and find the notes of others there. Only DHT, keys and secret are needed: one UDP socket, no connections.
 */
import { Flags, runCommand } from "@topic-tracker/cli-kit"
import { RecordPublisher } from "@topic-tracker/core"
import { Crypto, Identity, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Console, Effect, Layer, Random, Schedule, Schema, SchemaGetter, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, type Meeting, meetingFlags } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const flags = {
  ...meetingFlags("record-publisher example"),
  offer: Flags.text("offer", 'What to offer (default "tea")').pipe(Flag.withDefault("tea")),
  every: Flags.integer("every", "Seconds between looks at the DHT (default 10)", 1, 60).pipe(Flag.withDefault(10)),
}

/** What our records say. */
const Offer = Schema.Struct({ what: Schema.NonEmptyString, port: Schema.Int })

/** The same as bytes: JSON in UTF-8 here. Any Schema will do whose encoded side is bytes, `Postcard.toSchema` for one. */
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

const offerAndLook = Effect.fn("recordPublisher")(function* ({ topic, secret, offer, every }: Options) {
  const publisher = yield* RecordPublisher.make({ topic: TopicId.fromName(topic), secret, content: OfferBytes })
  yield* Console.log(`${short(publisher.endpointId)} offers ${offer}`)
  const known = new Set<string>()

  const round = Effect.gen(function* () {
    const minute = yield* publisher.unixMinute
    // Each record as it arrives: opened, verified, and never our own. Both minutes, for a minute has just begun for somebody.
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
    // Publishes nothing if the slot already shows enough records of others; what was just read need not be read again.
    yield* publisher.publish(record, { known: found.filter(({ unixMinute }) => unixMinute === minute) })
  })

  yield* round.pipe(
    // The network may be away for a while: said, and tried again in the next round.
    Effect.catchTag("DhtError", (error) => Console.log(`the DHT: ${error.message}`)),
    // One slot holds the records of all, and some nodes keep only the last one put: everybody returns, at a time of its own.
    Effect.repeat(
      Schedule.spaced(`${every} seconds`).pipe(Schedule.addDelay(() => Random.nextBetween(0, every * 1000))),
    ),
  )
})

/** No TopicTracker: a publisher needs no more than this. */
const recordLayer = (bootstrap: Meeting["bootstrap"]) =>
  Layer.mergeAll(
    bootstrap.length === 0 ? Dht.layer() : Dht.layer({ bootstrap }),
    Identity.layerRandom(),
    SecretRotation.layer(),
  ).pipe(Layer.provideMerge(Crypto.layer()))

const command = Command.make("record-publisher", flags, (options) =>
  offerAndLook(options).pipe(Effect.provide(layerOn(options, recordLayer))),
).pipe(Command.withDescription("Publish an offer in the DHT and print what others offer, without gossip."))

runCommand(command, { whenInterrupted: 0 })
