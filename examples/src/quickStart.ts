import { NodeRuntime } from "@effect/platform-node"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Stream } from "effect"

const program = Effect.gen(function* () {
  yield* Console.log("waiting for the first peer…")
  const topic = yield* Topic.join({ topic: "my topic", secret: "our secret" })
  const { endpointId } = yield* TopicTracker
  yield* topic.broadcast(`hello from ${endpointId.slice(0, 8)}`)
  // `from` is the neighbor that delivered the message, which need not be its author.
  yield* Stream.runForEach(topic.messages, ({ from, text }) => Console.log(`${text} (via ${from.slice(0, 8)})`))
})

program.pipe(Effect.scoped, Effect.provide(TopicTracker.layerConfig()), NodeRuntime.runMain)
