// The same in memory, from CommonJS: `require` of packages that are ES modules.
const { Topic } = require("@topic-tracker/core")
const { MemoryWorld } = require("@topic-tracker/core/testing")
const { Effect, Stream } = require("effect")

const node = (name, world) =>
  Effect.gen(function* () {
    const topic = yield* Topic.join({ topic: "consumer", secret: "of the packed packages" })
    yield* topic.broadcast(`hello from ${name}`)
    const [message] = yield* Stream.runCollect(Stream.take(topic.messages, 1))
    return message.text
  }).pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const texts = yield* Effect.all([node("a", world), node("b", world)], { concurrency: 2 })
  if (texts.join() !== "hello from b,hello from a") throw new Error(`heard ${texts.join()}`)
  console.log("met")
}).pipe(Effect.scoped, Effect.timeout("20 seconds"))

Effect.runPromise(program).then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
