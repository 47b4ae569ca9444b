/**
 * Files among the members of a topic: a member that offers one says its hash in a channel, and all others fetch it, from every member that has it. Stop one while it fetches and start it again: it
 * goes on where it was.
 */
import { join } from "node:path"
import { runCommand, UsageError } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Peers } from "@topic-tracker/peers"
import { ContentHash, Share, ShareStorage } from "@topic-tracker/share"
import { Console, Effect, Layer, Option, Schedule, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, membersFlags, membersTopicOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const TOPIC = "share-a-file example"

/** The hash is all that others need. Its author proves who says so; the pieces prove themselves. */
const Offer = Schema.Struct({ hash: ContentHash })

type Options = Parameters<typeof membersTopicOf>[1] & {
  readonly offer: Option.Option<string>
  readonly folder: string
}

const shareAFile = Effect.fn("shareAFile")(function* ({ folder, offer, ...options }: Options) {
  const { join: topicToJoin } = yield* membersTopicOf(TOPIC, options)
  const topic = yield* Topic.joinNoWait(topicToJoin)
  const offers = yield* topic.channel("offers", Offer)

  const program = Effect.gen(function* () {
    const share = yield* Share
    if (Option.isSome(offer)) {
      const { hash, name, size } = yield* share
        .share({ path: offer.value })
        .pipe(Effect.mapError(({ message }) => new UsageError({ message: `--offer: ${message}` })))
      yield* Console.log(`offers ${name}, ${size} bytes: ${hash}`)
      // The first one waits for a neighbor; those that follow are for members that come later.
      yield* Effect.forkScoped(Effect.repeat(offers.publish({ hash }), Schedule.spaced("10 seconds")))
    }

    const fetchOffer = (hash: ContentHash) =>
      // A name that a peer gave is not used for a file: it could be "../../something".
      share.fetch(hash, { to: join(folder, hash) }).pipe(
        Stream.runForEach((event) => {
          switch (event._tag) {
            case "Found":
              return Console.log(`found ${JSON.stringify(event.name)}, ${event.size} bytes, ${event.resumed} are here`)
            case "Progress":
              return Console.log(`${Math.floor((event.verified * 100) / event.size)} % from ${event.providers} members`)
            case "WrongPiece":
              return Console.log(`${short(event.peer)} sent a wrong piece`)
            case "Done":
              return Console.log(`done: ${event.path}`)
            case "Searching":
              return Effect.void
          }
        }),
        Effect.catch((error) => Console.log(`not fetched: ${error.message}`)),
      )

    const known = new Set<ContentHash>()
    yield* Stream.runForEach(offers.events, (event) => {
      if (event._tag !== "Received" || known.has(event.value.hash)) return Effect.void
      known.add(event.value.hash)
      return Effect.forkScoped(fetchOffer(event.value.hash))
    })
  })
  yield* program.pipe(
    Effect.provide(
      Share.layer(topic).pipe(
        Layer.provide(Peers.layer(topic)),
        Layer.provide(ShareStorage.layerFiles({ directory: folder })),
      ),
    ),
  )
}, Effect.scoped)

const flags = {
  ...membersFlags(TOPIC),
  offer: Flag.String("offer").pipe(
    Flag.withMetavar("path"),
    Flag.withDescription("A file to offer to the others"),
    Flag.optional,
  ),
  folder: Flag.String("folder").pipe(
    Flag.withDescription("The folder for files of others (default: this one)"),
    Flag.withDefault("."),
  ),
}

const command = Command.make("share-a-file", flags, (options) =>
  shareAFile(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
  ),
).pipe(Command.withDescription("Offer a file to the members of a topic, and fetch theirs. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
