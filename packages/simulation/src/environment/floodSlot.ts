/**
 * An attacker that knows the topic's name, and so its slots in the DHT, but not its secret. It puts values of a record's size
 * into the slot of the current minute, again and again.
 */
import { Crypto, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import type { Dht } from "@topic-tracker/dht"
import type { MemoryDht } from "@topic-tracker/dht/testing"
import { Clock, Effect, Random } from "effect"
import type { HostileSettings } from "../scenario/DhtSettings.ts"

/** The sequence number of all records (see RecordPublisher in core). */
const RECORD_SEQ = 2n ** 63n - 1n

/** The size of an encrypted gossip record. */
const RECORD_BYTES = 604

export interface FloodOptions {
  /** Stores a correctly signed item. */
  readonly put: Dht["Service"]["put"]
  /** Stores an item whose signature is invalid. */
  readonly inject: MemoryDht.MemoryDhtNetwork["inject"]
  readonly topicName: string
  readonly settings: HostileSettings
}

/** Runs until it is interrupted. */
export const floodSlot = Effect.fnUntraced(function* ({ inject, put, settings, topicName }: FloodOptions) {
  const keys = RecordKeys.make(yield* Crypto, yield* Effect.provide(SecretRotation, SecretRotation.layer()))
  const topic = TopicId.fromName(topicName)
  const once = Effect.gen(function* () {
    const random = yield* Random.Random
    const value = Uint8Array.from({ length: RECORD_BYTES }, () => Math.floor(random.nextDoubleUnsafe() * 256))
    const { salt, signingKey } = keys.dht(topic, BigInt(Math.floor((yield* Clock.currentTimeMillis) / 60_000)))
    if (settings.signed) yield* Effect.ignore(put({ key: signingKey, salt, seq: RECORD_SEQ, value }))
    else yield* inject({ publicKey: signingKey.publicKey, salt, seq: RECORD_SEQ, value, nodes: settings.nodes })
  })
  return yield* Effect.forever(Effect.andThen(once, Effect.sleep(settings.everyMs)))
})
