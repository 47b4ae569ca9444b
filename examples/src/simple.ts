/** Joins a topic, says hello once and prints what it hears. Everything it needs is in one layer. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Stream } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags } from "./lib/meeting.ts"

const simple = Effect.fn("simple")(function* ({ topic: name, secret }: Meeting) {
  // Waits for the first neighbour. The topic lives as long as the scope around it.
  const topic = yield* Topic.join({ topic: name, secret })
  yield* Console.log("joined")

  // The two halves can go to different parts of a program.
  const { sender, receiver } = topic.split
  yield* receiver.messages.pipe(
    Stream.runForEach(({ text }) => Console.log(`heard ${JSON.stringify(text)}`)),
    Effect.forkScoped,
  )

  // Neighbours that come later have not heard it: each newcomer is greeted. Only the neighbours get this one.
  let greetings = 0
  yield* receiver.neighborChanges.pipe(
    Stream.runForEach(({ size }) => sender.broadcastNeighbors(`hello ${++greetings} to my ${size} neighbours`)),
  )
}, Effect.scoped)

const command = Command.make("simple", meetingFlags("simple example"), (options) =>
  simple(options).pipe(Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ bootstrap })))),
).pipe(Command.withDescription("Join a topic, greet its members, print what they say; until interrupted."))

runCommand(command, { whenInterrupted: 0 })
