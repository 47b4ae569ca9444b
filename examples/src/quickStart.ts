import { NodeRuntime } from "@effect/platform-node"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Schema, Stream } from "effect"

const program = Effect.gen(function* () {
  const secret = "words that only we know"
  const topic = yield* Topic.joinNoWait({ topic: "my topic", secret, access: "members" })
  const chat = yield* topic.channel("chat", Schema.String)
  yield* Console.log("waiting for the first peer…")
  yield* chat.publish("hello")
  yield* Stream.runForEach(chat.messages, ({ author, value }) => Console.log(`${author.slice(0, 8)} says ${value}`))
})

program.pipe(Effect.scoped, Effect.provide(TopicTracker.layerConfig()), NodeRuntime.runMain)
