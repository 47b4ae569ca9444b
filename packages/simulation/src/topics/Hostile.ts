/**
 * Somebody who knows the topic's name, and so where its records lie, but not its secret: puts values of the size of records
 * into the slot of the current minute, again and again.
 */
import { Crypto, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import type { Dht } from "@topic-tracker/dht"
import type { MemoryDht } from "@topic-tracker/dht/testing"
import { Clock, Effect, Random } from "effect"
import type { DhtSettings } from "./TopicScenario.ts"

/** As all records have it (see RecordPublisher). */
const seq = 2n ** 63n - 1n

/** Bytes of an encrypted gossip record. */
const recordSize = 604

export interface HostileOptions {
  readonly dht: MemoryDht.MemoryDhtNetwork
  readonly client: Dht["Service"]
  readonly topicName: string
  readonly settings: NonNullable<DhtSettings["hostile"]>
}

/** Attacks until it is interrupted. */
export const attack = Effect.fnUntraced(function* ({ client, dht, settings, topicName }: HostileOptions) {
  const keys = RecordKeys.make(yield* Crypto, yield* Effect.provide(SecretRotation, SecretRotation.layer()))
  const topic = TopicId.fromName(topicName)
  const once = Effect.gen(function* () {
    const random = yield* Random.Random
    const value = Uint8Array.from({ length: recordSize }, () => Math.floor(random.nextDoubleUnsafe() * 256))
    const { salt, signingKey } = keys.dht(topic, BigInt(Math.floor((yield* Clock.currentTimeMillis) / 60_000)))
    if (settings.signed) yield* Effect.ignore(client.put({ key: signingKey, salt, seq, value }))
    else yield* dht.inject({ publicKey: signingKey.publicKey, salt, seq, value, nodes: settings.nodes })
  })
  return yield* Effect.forever(Effect.andThen(once, Effect.sleep(settings.everyMs)))
})
