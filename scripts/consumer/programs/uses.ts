// Unannotated exports, as every monorepo has them: with `declaration: true` the compiler must be able to name each type.
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Context, Effect, Layer, Stream } from "effect"

export const tracker = Effect.service(TopicTracker)
export const layer = TopicTracker.layer()
export const layerConfig = TopicTracker.layerConfig()
export const layerNoDeps = TopicTracker.layerNoDeps()
export const joined = Topic.join({ topic: "topic", secret: "secret" })
export const joinedNoWait = Topic.joinNoWait({ topic: "topic", secret: "secret" })
export const member = <K extends keyof Topic.Topic>(key: K) => Effect.map(joined, (topic) => topic[key])
export const endpointId = Effect.map(tracker, (service) => service.endpointId)

export const neighbors = Effect.flatMap(joined, (topic) => topic.neighbors)
export const messages = Stream.unwrap(Effect.map(joined, (topic) => topic.messages))
export const events = Stream.unwrap(Effect.map(joined, (topic) => topic.events))
export const changes = Stream.unwrap(Effect.map(joined, (topic) => topic.neighborChanges))
export const activity = Stream.unwrap(Effect.map(joined, (topic) => topic.activity))
export const subscription = Effect.flatMap(joined, (topic) => topic.subscribe())
export const hashes = Effect.flatMap(joined, (topic) => topic.lastMessageHashes)
export const stats = Effect.flatMap(joined, (topic) => topic.stats)
export const broadcast = Effect.flatMap(joined, (topic) => topic.broadcast("text"))
export const halves = Effect.map(joined, (topic) => topic.split)
export const records = Effect.map(joined, (topic) => topic.recordPublisher)
export const settings = Effect.map(joined, (topic) => topic.config)

/** A service of the consumer's own around a topic. */
export class Room extends Context.Service<Room>()("consumer/Room", {
  make: Effect.gen(function* () {
    const topic = yield* Topic.join({ topic: "room", secret: "secret" })
    return { topic, say: topic.broadcast, neighbors: topic.neighbors, texts: topic.messages }
  }),
}) {
  static readonly layer = Layer.effect(this, this.make)
  static readonly live = Layer.provide(this.layer, TopicTracker.layer())
}
