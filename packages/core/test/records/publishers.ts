/** Helpers for tests of RecordPublisher: publishers of one topic, on DHTs in memory. */
import { Crypto, Identity, type Record, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import type { Dht } from "@topic-tracker/dht"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Effect, Layer, Redacted, Schema, SchemaGetter } from "effect"
import * as TopicConfig from "../../src/config/index.ts"
import * as RecordPublisher from "../../src/records/RecordPublisher.ts"

export const topic = TopicId.fromName("records")
export const minute = 29_000_000n
export const secret = "a secret of ours"

/** Content as JSON text, as a user without postcard would write it. */
const Greeting = Schema.Struct({ greeting: Schema.String, times: Schema.Int })
const JsonGreeting = Schema.Uint8Array.pipe(
  Schema.decodeTo(Schema.fromJsonString(Greeting), {
    decode: SchemaGetter.transform((bytes: Uint8Array) => new TextDecoder().decode(bytes)),
    encode: SchemaGetter.transform((text: string): Uint8Array => new TextEncoder().encode(text)),
  }),
)

export const hello = { greeting: "hello", times: 3 }

interface NodeOptions {
  readonly dht: Layer.Layer<Dht, never, Crypto>
  /** The node's key: a byte repeated. */
  readonly key: number
  readonly secret?: string
  readonly rotation?: Layer.Layer<SecretRotation>
  readonly config?: TopicConfig.TopicConfigInput
  readonly onSlotEvent?: (event: RecordPublisher.SlotEvent) => Effect.Effect<void>
}

/** The services with which records are sealed and signed. */
export const keysOf = ({ key, rotation = SecretRotation.layer() }: Pick<NodeOptions, "key" | "rotation">) =>
  Layer.mergeAll(rotation, Identity.layerFromSeed(Redacted.make(new Uint8Array(32).fill(key)))).pipe(
    Layer.provideMerge(Crypto.layerTest()),
  )

export const partsOf = (options: NodeOptions) => Layer.provideMerge(options.dht, keysOf(options))

export const publisherOf = <A>(options: NodeOptions, content: Record.ContentSchema<A>) =>
  Effect.gen(function* () {
    const config = yield* TopicConfig.make(options.config)
    const hooks = options.onSlotEvent === undefined ? {} : { onSlotEvent: options.onSlotEvent }
    return yield* RecordPublisher.make({
      topic,
      secret: Redacted.make(options.secret ?? secret),
      content,
      config,
      ...hooks,
    })
  }).pipe(Effect.provide(partsOf(options)))

export const publisher = (options: NodeOptions) => publisherOf(options, JsonGreeting)

export const publishNew = <A>(node: RecordPublisher.RecordPublisher<A>, content: A, slot = minute) =>
  Effect.flatMap(node.newRecord(slot, content), (record) => node.publish(record))

/** A network of which every node overwrites: a slot holds the last record only. */
export const network = (options: MemoryDht.MemoryDhtOptions = {}) =>
  Effect.map(MemoryDht.make(options), (made) => ({ ...made, dht: MemoryDht.layer(made) }))

/** The keys of the environment's Crypto and SecretRotation. */
export const recordKeys = Effect.gen(function* () {
  return RecordKeys.make(yield* Crypto, yield* SecretRotation)
})

/** The key and salt of the topic's records of the minute. */
export const slotKeys = Effect.map(recordKeys, (keys) => keys.dht(topic, minute))
