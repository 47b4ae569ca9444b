import * as RecordPublisher from "@topic-tracker/core/RecordPublisher"
import { Crypto, Identity, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Postcard } from "@topic-tracker/postcard"
import { Effect, Layer, Redacted } from "effect"

const program = Effect.gen(function* () {
  const records = yield* RecordPublisher.make({
    topic: TopicId.fromName("printers"),
    secret: Redacted.make("they all know it"),
    content: Postcard.toSchema(Postcard.string),
  })
  const minute = yield* records.unixMinute
  // The records of other nodes; there are none.
  const known = yield* records.recordsArray(minute)
  const outcome = yield* records.publish(yield* records.newRecord(minute, "third floor"), { known })
  console.log(outcome._tag) // → Published
})

const layer = Layer.mergeAll(MemoryDht.layerAlone(), SecretRotation.layer(), Identity.layerRandom()).pipe(
  Layer.provideMerge(Crypto.layer()),
)
await Effect.runPromise(Effect.provide(program, layer))
