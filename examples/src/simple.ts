/** Joins a topic, greets each new neighbor and prints all messages. One layer gives everything that it needs. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Stream } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags, secretOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const simple = Effect.fn("simple")(function* (meeting: Meeting) {
  yield* Console.log("waiting for the first peer…")
  // Completes when the first neighbor is up. The topic is left when the scope closes.
  const topic = yield* Topic.join({ topic: meeting.topic, secret: yield* secretOf(meeting) })
  yield* Console.log("joined")

  // Sender and receiver can be passed to different parts of a program.
  const { sender, receiver } = topic.split
  yield* receiver.messages.pipe(
    Stream.runForEach(({ text }) => Console.log(`heard ${JSON.stringify(text)}`)),
    Effect.forkScoped,
  )

  // A message reaches the nodes that are there now, so each new neighbor gets a greeting. The id and the number make every greeting
  // different: gossip drops content that it has seen in the last 90 s, from any node.
  const { endpointId } = yield* TopicTracker
  let greetings = 0
  yield* receiver.neighborChanges.pipe(
    Stream.runForEach(({ size }) =>
      sender.broadcastNeighbors(`hello ${++greetings} from ${short(endpointId)} to ${size} neighbors`),
    ),
  )
}, Effect.scoped)

const command = Command.make("simple", meetingFlags("simple example"), (options) =>
  simple(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
  ),
).pipe(Command.withDescription("Join a topic, greet neighbors, print messages. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
