import { NodeRuntime } from "@effect/platform-node"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Stream } from "effect"

const program = Effect.gen(function* () {
  yield* Console.log("waiting for the first peer…")
  const topic = yield* Topic.join({ topic: "my topic", secret: "our secret" })
  const { endpointId } = yield* TopicTracker
  yield* topic.broadcast(`hello from ${endpointId.slice(0, 8)}`)
  yield* Stream.runForEach(topic.messages, ({ deliveredFrom: via, text }) =>
    Console.log(`${text} (via ${via.slice(0, 8)})`),
  )
})

program.pipe(Effect.scoped, Effect.provide(TopicTracker.layerConfig()), NodeRuntime.runMain)
