import { NodeRuntime } from "@effect/platform-node"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Stream } from "effect"

const program = Effect.gen(function* () {
  const topic = yield* Topic.join({ topic: "my topic", secret: "our secret" })
  yield* topic.broadcast(`hello from process ${process.pid}`)
  yield* Stream.runForEach(topic.messages, ({ from, text }) => Console.log(`${from}: ${text}`))
})

program.pipe(Effect.scoped, Effect.provide(TopicTracker.layerConfig()), NodeRuntime.runMain)
