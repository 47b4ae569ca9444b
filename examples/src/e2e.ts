/**
 * Tests whether two machines, or two implementations of this library, can talk to each other: run it on both. Exit code 0 if messages
 * of the expected number of other nodes arrived and report that ours arrived there; exit code 1 if that takes too long.
 */
import { CommandFailed, Flags, runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { EndpointId } from "@topic-tracker/crypto"
import { Console, Effect, Latch, Option, Schedule, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, type Meeting, meetingFlags, secretOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const flags = {
  ...meetingFlags("e2e example"),
  expect: Flags.integer("expect", "The number of other nodes (default 1)", 1, 100).pipe(Flag.withDefault(1)),
  seconds: Flags.integer("seconds", "The time limit (default 60)", 1, 3600).pipe(Flag.withDefault(60)),
}

/** The number of ids in one message: a message has at most about 4,000 bytes, an id in JSON has 67. */
const MAX_IDS = 50

/** The author and the nodes that it has heard. The number makes each message different: gossip drops content that it has seen. */
const Report = Schema.fromJsonString(
  Schema.Struct({ from: EndpointId.EndpointId, heard: Schema.Array(EndpointId.EndpointId), number: Schema.Int }),
)
const decodeReport = Schema.decodeUnknownOption(Report)
const encodeReport = Schema.encodeSync(Report)

const meet = Effect.fn("meet")(function* ({ expect, ...meeting }: Meeting & { readonly expect: number }) {
  const { endpointId } = yield* TopicTracker
  const topic = yield* Topic.joinNoWait({ topic: meeting.topic, secret: yield* secretOf(meeting) })
  // Subscribed before the first neighbor is up, so no message is missed.
  const events = yield* topic.subscribe()
  const heard = new Set<EndpointId.EndpointId>()
  const heardBy = new Set<EndpointId.EndpointId>()
  const done = yield* Latch.make()

  yield* events.pipe(
    Stream.runForEach((event) => {
      if (event._tag !== "Message") return Effect.void
      // A message that does not decode is from another program.
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

  yield* Console.log("waiting for the first peer…")
  yield* topic.joined
  yield* Console.log("joined")
  let number = 0
  const report = Effect.gen(function* () {
    const ids = [...heard]
    do {
      const part = ids.splice(0, MAX_IDS)
      yield* topic.broadcast(encodeReport({ from: endpointId, heard: part, number: number++ }))
    } while (ids.length > 0)
  })
  yield* report.pipe(Effect.repeat(Schedule.spaced("300 millis")), Effect.raceFirst(done.await))
  // The other nodes may wait for this last report. A node that leaves at once cannot deliver it to neighbors that ask for it.
  yield* report
  yield* Effect.sleep("1 second")
  yield* Console.log(`${heardBy.size} heard and heard us`)
}, Effect.scoped)

const command = Command.make("e2e", flags, ({ seconds, ...options }) =>
  meet(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail(new CommandFailed({ message: `Not all nodes were heard within ${seconds} seconds.` })),
    }),
  ),
).pipe(Command.withDescription("Exchange messages with other nodes. Exit code 0, or 1 if it takes too long."))

runCommand(command)
