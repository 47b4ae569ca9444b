/**
 * Reads the slot of a topic's minute: the records of other nodes, as a stream or with a callback. Most slots belong to idle topics and
 * hold nothing new, so the encryption key is derived only if there is an item to open. From the first item that no member made, the
 * minute's second slot is read too.
 */
import { Bytes } from "@topic-tracker/common"
import { Crypto, type Identity, type SigningKey } from "@topic-tracker/crypto"
import type { Dht, DhtError, GetOptions, MutableItem } from "@topic-tracker/dht"
import { Cause, Clock, Duration, Effect, Pull, Scope, Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { KeysOfMinute } from "./minuteKeys.ts"
import type { RecordReader } from "./RecordReader.ts"
import type { SecondSlot, SlotEvent } from "./SecondSlot.ts"
import type { TopicRecord } from "./TopicRecord.ts"

/** The services and keys that are needed to read the slots of a topic. */
export interface SlotParts<A> {
  readonly config: TopicConfig
  readonly crypto: Crypto["Service"]
  readonly dht: Dht["Service"]
  readonly identity: Identity["Service"]
  readonly keysOf: KeysOfMinute
  readonly reader: RecordReader<A>
  readonly secondSlot: SecondSlot
  readonly onSlotEvent: (event: SlotEvent) => Effect.Effect<void>
}

/** A pull of items that ends with its lookup. */
type ItemPull = Pull.Pull<readonly [MutableItem, ...Array<MutableItem>], DhtError>

/** The records of a minute, one for each pull. The lookups stop when the Scope closes. */
const open = Effect.fnUntraced(function* <A>(parts: SlotParts<A>, unixMinute: bigint, options?: GetOptions) {
  const { crypto, dht, identity, keysOf, onSlotEvent, reader, secondSlot } = parts
  const scope = yield* Effect.scope
  const keys = keysOf(unixMinute)
  const { signingKey, salt } = keys.dht
  const beganAt = yield* monotonicMillis
  const asksAll = options?.nodes === undefined || secondSlot.isSuspect(unixMinute)
  const watched = { unixMinute, beganAt, asksAll, hasFoundRecord: false }
  yield* report(onSlotEvent, secondSlot.takeEnd(beganAt))
  let pullItems: ItemPull = yield* Stream.toPull(
    dht.get({ publicKey: signingKey.publicKey, salt }, asksAll ? { ...options, nodes: undefined } : options),
  )
  let publicFailure: DhtError | undefined
  let readsSecond = false
  /** Reads the second slot at the same time. Its failure does not end the lookup of the public one, nor the other way round. */
  const addSecond = Effect.gen(function* () {
    readsSecond = true
    const second = keys.secondDht
    const { onNearest: _, onOver: __, ...getOptions } = options ?? {}
    const publicItems = Stream.fromPull(Effect.succeed(pullItems)).pipe(
      Stream.catch((error) => {
        publicFailure = error
        return Stream.empty
      }),
    )
    const secondItems = dht
      .get({ publicKey: second.signingKey.publicKey, salt: second.salt }, getOptions)
      .pipe(Stream.catch(() => Stream.empty))
    pullItems = yield* Stream.toPull(Stream.merge(publicItems, secondItems)).pipe(Scope.provide(scope))
  })
  if (secondSlot.isUsed(beganAt)) yield* addSecond
  const onEnd = Effect.gen(function* () {
    if (publicFailure !== undefined) return yield* Effect.fail(publicFailure)
    yield* report(onSlotEvent, secondSlot.lookupEnded(watched, yield* monotonicMillis))
    return yield* Cause.done()
  })
  const seen = new Set<string>([identity.endpointId])
  let items: ReadonlyArray<MutableItem> = []
  let taken = 0
  let encryptionKey: SigningKey | undefined
  const pull: Pull.Pull<readonly [TopicRecord<A>], DhtError> = Effect.gen(function* () {
    while (true) {
      if (taken === items.length) {
        items = yield* Pull.catchDone(pullItems, () => onEnd)
        taken = 0
      }
      const item = items[taken++]!
      const isPublic = Bytes.equals(item.publicKey, signingKey.publicKey)
      // A node that is alone reads its own record with every lookup.
      if (reader.knownRecord(item)?.endpointId === identity.endpointId) {
        if (isPublic) watched.hasFoundRecord = true
        continue
      }
      encryptionKey ??= yield* keys.encryption
      const content = yield* Effect.provideService(reader.read(item, unixMinute, encryptionKey), Crypto, crypto)
      if (isPublic) {
        if (content !== "garbage") watched.hasFoundRecord = true
        else {
          yield* report(onSlotEvent, secondSlot.garbageFound(yield* monotonicMillis))
          if (!readsSecond) yield* addSecond
        }
      }
      if (typeof content === "string" || seen.has(content.endpointId)) continue
      seen.add(content.endpointId)
      return [isPublic ? content : { ...content, slot: "second" }] as const
    }
  })
  return pull
})

const report = (onSlotEvent: (event: SlotEvent) => Effect.Effect<void>, events: ReadonlyArray<SlotEvent>) =>
  events.length === 0 ? Effect.void : Effect.forEach(events, onSlotEvent, { discard: true })

/** Milliseconds of a clock that is never set back. */
export const monotonicMillis: Effect.Effect<number> = Effect.map(
  Clock.monotonicTimeNanos,
  (nanos) => Number(nanos / 1_000n) / 1_000,
)

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
