import { assert, describe, it } from "@effect/vitest"
import { TopicId } from "@topic-tracker/crypto"
import { Effect, Logger, References, Tracer } from "effect"
import { makeWorld, pass } from "./world.ts"

/** A tracer that keeps every span. */
const recordingTracer = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    },
  })
  const named = (name: string) => spans.filter((span) => span.name === name)
  return { tracer, spans, named }
}

const shortId = TopicId.fromName("topic").hex.slice(0, 12)

describe("spans", () => {
  it.effect("are made of the operations of a program, and of lookups, dials, puts and merges", () =>
    Effect.gen(function* () {
      const { named, spans, tracer } = recordingTracer()
      yield* Effect.gen(function* () {
        const world = yield* makeWorld()
        const [a, b] = yield* world.nodes(2)
        const topic = yield* a!.join()
        yield* b!.join()
        yield* pass("5 seconds")
        assert.isTrue(yield* topic.isJoined)
        yield* topic.broadcast("hello")
        yield* topic.broadcastNeighbors("hi")
        yield* topic.joinPeers([b!.endpointId])
        yield* pass("2 minutes")
        yield* topic.suspend
        yield* topic.resume
      }).pipe(Effect.scoped, Effect.withTracer(tracer))
      for (const name of ["joinNoWait", "broadcast", "broadcastNeighbors", "joinPeers", "suspend", "resume"])
        assert.isAtLeast(named(`Topic.${name}`).length, 1, name)
      for (const name of ["Topic.lookup", "Topic.dial", "Topic.merge", "Topic.publish", "RecordPublisher.put"])
        assert.isAtLeast(named(name).length, 1, name)
      const [broadcast] = named("Topic.broadcast")
      assert.strictEqual(broadcast!.attributes.get("messaging.message.body.size"), 5)
      const ofTopics = spans.filter(({ name }) => name.startsWith("Topic."))
      for (const { attributes } of ofTopics) {
        assert.strictEqual(attributes.get("messaging.system"), "topic_tracker")
        assert.strictEqual(attributes.get("messaging.destination.name"), shortId)
      }
    }),
  )

  it.effect("of what a topic does by itself have no parent, also after a join or resume in a span", () =>
    Effect.gen(function* () {
      const { named, tracer } = recordingTracer()
      yield* Effect.gen(function* () {
        const world = yield* makeWorld()
        const node = yield* world.node()
        const topic = yield* node.join().pipe(Effect.withSpan("of the program"))
        yield* topic.suspend
        yield* topic.resume.pipe(Effect.withSpan("of the program"))
        yield* pass("1 minute")
      }).pipe(Effect.scoped, Effect.withTracer(tracer))
      const background = [...named("Topic.lookup"), ...named("Topic.publish")]
      assert.isAtLeast(background.length, 10)
      for (const { parent } of background) assert.isTrue(parent._tag === "None")
      for (const name of ["Topic.joinNoWait", "Topic.resume"]) {
        const [span] = named(name)
        assert.strictEqual(span?.parent._tag, "Some")
      }
    }),
  )

  it.effect("are not made of broadcasts without a tracer, or in a span that is not sampled", () =>
    Effect.gen(function* () {
      const { named, tracer } = recordingTracer()
      const world = yield* makeWorld()
      const topic = yield* (yield* world.node()).join()
      const broadcast = topic.broadcast("hello")
      yield* broadcast
      assert.lengthOf(named("Topic.broadcast"), 0)
      const unsampled = Effect.withSpan(broadcast, "of the program", { sampled: false })
      yield* Effect.withTracer(unsampled, tracer)
      assert.lengthOf(named("Topic.broadcast"), 0)
      yield* Effect.withTracer(Effect.withSpan(broadcast, "of the program"), tracer)
      assert.lengthOf(named("Topic.broadcast"), 1)
    }),
  )
})

describe("spans of a busy topic", () => {
  it.effect("are limited to 500 broadcasts a second", () =>
    Effect.gen(function* () {
      const { named, tracer } = recordingTracer()
      const world = yield* makeWorld()
      const topic = yield* (yield* world.node()).join()
      const broadcasts = Effect.withTracer(Effect.repeat(topic.broadcast("hello"), { times: 999 }), tracer)
      yield* broadcasts
      assert.lengthOf(named("Topic.broadcast"), 500)
      yield* pass("1 second")
      yield* broadcasts
      assert.lengthOf(named("Topic.broadcast"), 1_000)
    }),
  )
})

describe("log lines of a topic", () => {
  it.effect("name the package and the topic", () =>
    Effect.gen(function* () {
      const annotations: Array<unknown> = []
      const logger = Logger.make(({ fiber }) => {
        annotations.push(fiber.getRef(References.CurrentLogAnnotations))
      })
      yield* Effect.gen(function* () {
        const world = yield* makeWorld({ dht: { dead: 1 } })
        yield* (yield* world.node()).join()
        yield* pass("1 minute")
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
      assert.isAtLeast(annotations.length, 1)
      for (const each of annotations) assert.deepStrictEqual(each, { package: "@topic-tracker/core", topic: shortId })
    }),
  )
})
