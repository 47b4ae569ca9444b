/**
 * Whether two machines, or two implementations of this library, really hear each other: run it on both. It ends with exit
 * code 0 when so many others as expected were heard, and have said that they heard us; with 1 when that takes too long.
 */
import { CommandFailed, Flags, runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { EndpointId } from "@topic-tracker/crypto"
import { Console, Effect, Latch, Option, Schedule, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, type Meeting, meetingFlags } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const flags = {
  ...meetingFlags("e2e example"),
  expect: Flags.integer("expect", "How many others to hear (default 1)", 1, 100).pipe(Flag.withDefault(1)),
  seconds: Flags.integer("seconds", "How long to try (default 60)", 1, 3600).pipe(Flag.withDefault(60)),
}

/** A message is at most some 4,000 bytes, and an id takes 67 of them: many are named in several reports. */
const MOST_NAMED = 50

/** Who speaks, and whom it has heard so far. The number makes every message differ: gossip drops what it has seen. */
const Report = Schema.fromJsonString(
  Schema.Struct({ from: EndpointId.EndpointId, heard: Schema.Array(EndpointId.EndpointId), number: Schema.Int }),
)
const decodeReport = Schema.decodeUnknownOption(Report)
const encodeReport = Schema.encodeSync(Report)

const meet = Effect.fn("meet")(function* ({ topic: name, secret, expect }: Meeting & { readonly expect: number }) {
  const { endpointId } = yield* TopicTracker
  const topic = yield* Topic.joinNoWait({ topic: name, secret })
  // Subscribed before there is anybody to hear: nothing is missed.
  const events = yield* topic.subscribe()
  const heard = new Set<EndpointId.EndpointId>()
  const heardBy = new Set<EndpointId.EndpointId>()
  const done = yield* Latch.make()

  yield* events.pipe(
    Stream.runForEach((event) => {
      if (event._tag !== "Message") return Effect.void
      // What does not decode is somebody else's, and none of our business.
      const report = decodeReport(event.text)
      if (Option.isNone(report)) return Effect.void
      const { from } = report.value
      const isNew = !heard.has(from)
      heard.add(from)
      if (report.value.heard.includes(endpointId)) heardBy.add(from)
      return Effect.andThen(
        isNew ? Console.log(`heard ${short(from)}`) : Effect.void,
        heardBy.size >= expect ? done.open : Effect.void,
      )
    }),
    Effect.forkScoped,
  )

  yield* topic.joined
  yield* Console.log("joined")
  let number = 0
  const report = Effect.gen(function* () {
    const unnamed = [...heard]
    do {
      const named = unnamed.splice(0, MOST_NAMED)
      yield* topic.broadcast(encodeReport({ from: endpointId, heard: named, number: number++ }))
    } while (unnamed.length > 0)
  })
  yield* report.pipe(Effect.repeat(Schedule.spaced("300 millis")), Effect.raceFirst(done.await))
  // The others may wait for just this one. Who leaves at once cannot answer those who were only told of it, nor pass it on.
  yield* report
  yield* Effect.sleep("1 second")
  yield* Console.log(`${heardBy.size} heard and heard us`)
}, Effect.scoped)

const command = Command.make("e2e", flags, ({ seconds, ...options }) =>
  meet(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ bootstrap }))),
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail(new CommandFailed({ message: `Not everybody was heard within ${seconds} seconds.` })),
    }),
  ),
).pipe(Command.withDescription("Hear others and be heard: exit code 0, or 1 when it takes too long."))

runCommand(command)
