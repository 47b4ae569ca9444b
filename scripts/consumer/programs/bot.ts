// A user's own program. It says hello twice a minute and counts the greetings of others, and knows nothing of simulations.
import { Topic } from "@topic-tracker/core"
import { Effect, Ref, Schedule, Stream } from "effect"

export const bot = (name: string, count: Ref.Ref<number>) =>
  Effect.gen(function* () {
    const topic = yield* Topic.join({ topic: "greetings", secret: "ours" })
    const greet = Effect.flatMap(Ref.get(count), (n) => topic.broadcast(`hello from ${name} ${Math.random()} ${n}`))
    yield* Effect.forkScoped(Effect.repeat(greet, Schedule.spaced("30 seconds")))
    yield* Stream.runForEach(topic.messages, ({ text }) =>
      text?.startsWith("hello") === true ? Ref.update(count, (n) => n + 1) : Effect.void,
    )
  })
