/**
 * Reads the slot of a topic's minute: the records of other nodes, as a stream or with a callback. Most slots belong to idle topics and
 * hold nothing new, so the encryption key is derived only if there is an item to open.
 */
import { Crypto, type Identity, type SigningKey } from "@topic-tracker/crypto"
import type { Dht, DhtError, GetOptions, MutableItem } from "@topic-tracker/dht"
import { Cause, Clock, Duration, Effect, Pull, Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { KeysOfMinute } from "./minuteKeys.ts"
import type { RecordReader } from "./RecordReader.ts"
import type { TopicRecord } from "./TopicRecord.ts"

/** The services and keys that are needed to read the slots of a topic. */
export interface SlotParts<A> {
  readonly config: TopicConfig
  readonly crypto: Crypto["Service"]
  readonly dht: Dht["Service"]
  readonly identity: Identity["Service"]
  readonly keysOf: KeysOfMinute
  readonly reader: RecordReader<A>
}

/** The records of a minute, one for each pull. The lookup stops when the Scope closes. */
const open = Effect.fnUntraced(function* <A>(
  { crypto, dht, identity, keysOf, reader }: SlotParts<A>,
  unixMinute: bigint,
  options?: GetOptions,
) {
  const keys = keysOf(unixMinute)
  const { signingKey, salt } = keys.dht
  const pullItems = yield* Stream.toPull(dht.get({ publicKey: signingKey.publicKey, salt }, options))
  const seen = new Set<string>([identity.endpointId])
  let items: ReadonlyArray<MutableItem> = []
  let taken = 0
  let encryptionKey: SigningKey | undefined
  const pull: Pull.Pull<readonly [TopicRecord<A>], DhtError> = Effect.gen(function* () {
    while (true) {
      if (taken === items.length) {
        items = yield* pullItems
        taken = 0
      }
      const item = items[taken++]!
      // A node that is alone reads its own record with every lookup.
      if (reader.knownRecord(item)?.endpointId === identity.endpointId) continue
      encryptionKey ??= yield* keys.encryption
      const record = yield* Effect.provideService(reader.read(item, unixMinute, encryptionKey), Crypto, crypto)
      if (record === undefined || seen.has(record.endpointId)) continue
      seen.add(record.endpointId)
      return [record] as const
    }
  })
  return pull
})

/** See `RecordPublisher.records`. */
export const readSlot = <A>(
  parts: SlotParts<A>,
  unixMinute: bigint,
  options?: GetOptions,
): Stream.Stream<TopicRecord<A>, DhtError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const pull = yield* open(parts, unixMinute, options)
      const ends = (yield* Clock.monotonicTimeNanos) + Duration.toNanosUnsafe(parts.config.dht.getTimeout)
      const pullInTime = Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
        Effect.timeoutOrElse(pull, {
          duration: Duration.nanos(ends > now ? ends - now : 0n),
          orElse: () => Cause.done(),
        }),
      )
      return Stream.fromPull(Effect.succeed(pullInTime))
    }),
  )

/** See `RecordPublisher.forEachRecord`. */
export const readSlotWith = <A, R>(
  parts: SlotParts<A>,
  unixMinute: bigint,
  f: (record: TopicRecord<A>) => Effect.Effect<unknown, never, R>,
  options?: GetOptions,
): Effect.Effect<void, DhtError, R> =>
  Effect.gen(function* () {
    const pull = yield* open(parts, unixMinute, options)
    while (true) yield* f((yield* pull)[0])
  }).pipe(
    Pull.catchDone(() => Effect.void),
    Effect.scoped,
    Effect.timeoutOption(parts.config.dht.getTimeout),
    Effect.asVoid,
  )
